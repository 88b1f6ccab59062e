"""The stand-in's schtasks takes the documented command lines, refuses all others, and speaks two languages."""

import csv
import io

import pytest

from tests.kits.winlab.tasks.engine import Launch, World
from tests.kits.winlab.tasks.schema import validate
from tests.kits.winlab.tasks.schtasks import Answer, answer

from .task_documents import AT_LOGON, DOCUMENT, KEEP_ALIVE, NO_LIMIT, POWERED, Fake, text

NAME = "\\ours\\beat"


@pytest.fixture
def machine() -> Fake:
    made = Fake()
    made.engine.tick(made.now(), World(session="me"))
    assert made.schtasks("/Create", "/TN", NAME, "/XML", "task.xml", "/F").code == 0
    return made


def row(machine: Fake) -> list[str]:
    said = machine.schtasks("/Query", "/TN", NAME, "/V", "/FO", "CSV", "/NH")
    return next(csv.reader(io.StringIO(said.out)))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        pytest.param("/Frobnicate", "/Frobnicate", id="verb"),
        pytest.param("-Run /TN x", "-Run", id="a dash"),
        pytest.param("/Run /TN x /FORCE", "/FORCE", id="unknown option"),
        pytest.param("/Run /TN x y", "y", id="a word too many"),
        pytest.param("/Run /TN", "/tn", id="no value"),
        pytest.param("/Run /TN /I", "/tn", id="an option for a value"),
        pytest.param("/Run", "/tn", id="no task"),
        pytest.param("/Create /TN x /F", "/xml", id="no document"),
        pytest.param("/Create /TN x /XML task.xml /F /F", "/f", id="twice"),
        pytest.param("/Change /TN x", "/ENABLE", id="change nothing"),
        pytest.param("/Change /TN x /ENABLE /DISABLE", "/DISABLE", id="change both ways"),
        pytest.param("/Query /FO JSON", "/FO", id="form"),
        pytest.param("/Query /XML TWO", "/XML", id="kind of XML"),
        pytest.param("/Query /XML ONE /V", "/XML", id="XML with columns"),
        pytest.param("/Query /FO LIST /NH", "/NH", id="a list has no header"),
        pytest.param("/Delete /TN x /Y", "/Y", id="an option of others"),
    ],
)
def test_a_line_that_windows_does_not_document_fails_and_names_what_is_wrong(
    machine: Fake, line: str, names: str
) -> None:
    said = machine.schtasks(*line.split())
    assert said.code == 1
    assert said.out == ""
    assert f"'{names}'" in said.err
    assert "/?" in said.err


@pytest.mark.parametrize("line", ["/RUN /tn \\ours\\beat", "/run /TN ours\\BEAT", "/Run /Tn \\OURS\\beat"])
def test_verbs_options_and_names_mind_no_case_and_the_first_backslash_may_be_left_out(machine: Fake, line: str) -> None:
    assert machine.schtasks(*line.split()).code == 0
    assert machine.orders == [Launch(NAME, 1, 0)]


@pytest.mark.parametrize("verb", ["/Run", "/End", "/Change", "/Delete", "/Query"])
def test_a_task_that_is_not_there_is_an_error(machine: Fake, verb: str) -> None:
    more = {"/Change": ["/ENABLE"], "/Delete": ["/F"]}.get(verb, [])
    assert machine.schtasks(verb, "/TN", "\\ours\\other", *more).code == 1


def test_a_folder_that_is_not_there_is_another_error(machine: Fake) -> None:
    assert "path" in machine.schtasks("/Query", "/TN", "\\theirs\\beat").err
    assert "file" in machine.schtasks("/Query", "/TN", "\\ours\\other").err


@pytest.mark.parametrize("name", ["a:b", "a\\\\b", "a\\", "", "a|b", "x" * 240, "con?"])
def test_a_name_that_no_file_may_have_is_refused(machine: Fake, name: str) -> None:
    assert machine.schtasks("/Create", "/TN", name, "/XML", "task.xml", "/F").code == 1


def test_a_document_that_is_wrong_or_not_there_registers_nothing(machine: Fake) -> None:
    machine.files["bad.xml"] = DOCUMENT.replace("PT1M", "PT1S").encode("utf-16")
    said = machine.schtasks("/Create", "/TN", "\\ours\\new", "/XML", "bad.xml", "/F")
    assert (said.code, said.out) == (1, "")
    assert "(2," in said.err
    assert ":Interval:PT1S" in said.err
    assert machine.schtasks("/Create", "/TN", "\\ours\\new", "/XML", "none.xml", "/F").code == 1
    assert list(machine.engine.tasks) == [NAME]


def test_without_f_nothing_is_replaced_or_deleted(machine: Fake) -> None:
    record = machine.engine.tasks[NAME]
    assert machine.schtasks("/Create", "/TN", NAME, "/XML", "task.xml").code == 1
    assert machine.schtasks("/Delete", "/TN", NAME).code == 1
    assert machine.engine.tasks[NAME] is record


def test_a_verbose_row_is_there_for_each_trigger_with_the_28_columns_of_windows(machine: Fake) -> None:
    said = machine.schtasks("/Query", "/TN", NAME, "/V", "/FO", "CSV")
    header, *rows = csv.reader(io.StringIO(said.out))
    assert (header[6], header[11], len(header)) == ("Last Result", "Scheduled Task State", 28)
    assert [len(each) for each in rows] == [28, 28]
    assert [each[1] for each in rows] == [NAME, NAME]
    assert [each[18] for each in rows] == ["At logon time", "One Time Only, Minute"]


def test_last_result_is_a_signed_decimal_in_every_state(machine: Fake) -> None:
    assert row(machine)[6] == "267011"
    machine.schtasks("/Run", "/TN", NAME)
    assert row(machine)[6] == "267009"
    said = machine.schtasks("/Run", "/TN", NAME)
    assert (said.code, said.out.startswith("INFO")) == (0, True)
    assert row(machine)[6] == "-2147020576"
    machine.engine.ended(NAME, 1, 7, machine.now())
    assert row(machine)[6] == "7"


def test_running_without_a_session_answers_success_and_says_so_in_the_result_alone(machine: Fake) -> None:
    machine.engine.tick(machine.now(), World())
    assert machine.schtasks("/Run", "/TN", NAME).code == 0
    assert machine.orders == []
    assert row(machine)[6] == "-2147020576"


def test_a_disabled_task_does_not_run_and_its_document_says_so(machine: Fake) -> None:
    assert machine.schtasks("/Change", "/TN", NAME, "/DISABLE").code == 0
    assert machine.schtasks("/Run", "/TN", NAME).code == 1
    document = machine.schtasks("/Query", "/TN", NAME, "/XML", "ONE").out
    assert not validate(document.encode("utf-16")).settings.enabled
    machine.schtasks("/Change", "/TN", NAME, "/ENABLE")
    assert machine.schtasks("/Run", "/TN", NAME).code == 0


def test_end_stops_every_instance_but_those_of_a_hidden_task(machine: Fake) -> None:
    machine.schtasks("/Run", "/TN", NAME)
    assert machine.schtasks("/End", "/TN", NAME).code == 0
    assert len(machine.orders) == 2
    machine.files["hidden.xml"] = DOCUMENT.replace("<Settings>", "<Settings><Hidden>true</Hidden>").encode("utf-16")
    machine.schtasks("/Create", "/TN", NAME, "/XML", "hidden.xml", "/F")
    machine.schtasks("/Run", "/TN", NAME)
    assert machine.schtasks("/End", "/TN", NAME).code == 0
    assert len(machine.orders) == 3


def test_the_document_comes_back_valid_with_what_windows_adds(machine: Fake) -> None:
    document = machine.schtasks("/Query", "/TN", NAME, "/XML", "ONE").out
    task = validate(document.encode("utf-16"))
    assert task.root.value("RegistrationInfo", "URI") == NAME
    assert task.user == machine.sid
    given = validate(DOCUMENT.encode("utf-16"))
    assert (task.settings, task.actions) == (given.settings, given.actions)
    assert (task.triggers[0].user, task.triggers[1:]) == ("MYIA-PO-2024\\me", given.triggers[1:])


def test_french_changes_every_text_and_no_number(machine: Fake) -> None:
    english = row(machine)
    machine.options["language"] = "fr"
    french = row(machine)
    assert french[3] != english[3]
    assert french[11] != english[11]
    assert (french[1], french[6]) == (english[1], english[6])
    assert machine.schtasks("/Run", "/TN", "none").err.startswith("ERREUR")


@pytest.mark.parametrize("form", ["TABLE", "LIST", "CSV"])
def test_every_form_names_the_task(machine: Fake, form: str) -> None:
    for verbose in ([], ["/V"]):
        assert NAME in machine.schtasks("/Query", "/FO", form, *verbose).out
    assert NAME in machine.schtasks().out


def test_delete_forgets_the_task_and_leaves_the_folder(machine: Fake) -> None:
    assert machine.schtasks("/Delete", "/TN", NAME, "/F").code == 0
    assert machine.engine.tasks == {}
    assert machine.folders == {"\\ours"}


HIGHEST = DOCUMENT.replace("</LogonType>", "</LogonType><RunLevel>HighestAvailable</RunLevel>")
OWN = (
    "<RegistrationInfo><SecurityDescriptor>D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{})</SecurityDescriptor>"
    "</RegistrationInfo>"
)


def ordinary(machine: Fake, *words: str) -> Answer:
    return answer(machine, "C:\\", words, elevated=False)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(DOCUMENT, 0, id="their own"),
        pytest.param(HIGHEST, 1, id="highest privileges"),
        pytest.param(
            DOCUMENT.replace("<UserId>me</UserId></LogonTrigger>", "</LogonTrigger>"), 1, id="any user's logon"
        ),
        pytest.param(DOCUMENT.replace("</Triggers>", "<BootTrigger/></Triggers>"), 1, id="at boot"),
    ],
)
def test_a_process_that_is_not_elevated_registers_what_is_its_users_own(
    machine: Fake, document: str, code: int
) -> None:
    machine.files["new.xml"] = document.encode("utf-16")
    said = ordinary(machine, "/Create", "/TN", "\\ours\\new", "/XML", "new.xml", "/F")
    assert (said.code, "Access is denied" in said.err) == (code, code == 1)
    assert machine.schtasks("/Create", "/TN", "\\ours\\new", "/XML", "new.xml", "/F").code == 0


CHANGES = [("/Change", "/DISABLE"), ("/Create", "/XML", "task.xml", "/F"), ("/Delete", "/F")]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_what_an_elevated_process_registered_the_user_reads_and_runs_but_does_not_change(
    machine: Fake, change: tuple[str, ...]
) -> None:
    assert ordinary(machine, "/Query", "/TN", NAME).code == 0
    assert ordinary(machine, "/Run", "/TN", NAME).code == 0
    said = ordinary(machine, change[0], "/TN", NAME, *change[1:])
    assert (said.code, said.err) == (1, "ERROR: Access is denied.\n")
    machine.files["own.xml"] = DOCUMENT.replace("<Triggers>", OWN.format(machine.sid) + "<Triggers>").encode("utf-16")
    assert machine.schtasks("/Create", "/TN", NAME, "/XML", "own.xml", "/F").code == 0
    assert ordinary(machine, change[0], "/TN", NAME, *change[1:]).code == 0


def test_a_descriptor_that_does_not_speak_of_the_user_hides_the_task_from_the_ordinary_token(machine: Fake) -> None:
    machine.files["x.xml"] = DOCUMENT.replace("<Triggers>", OWN.format("S-1-5-21-9") + "<Triggers>").encode("utf-16")
    assert machine.schtasks("/Create", "/TN", NAME, "/XML", "x.xml", "/F").code == 0
    assert [ordinary(machine, verb, "/TN", NAME).code for verb in ("/Query", "/Run")] == [1, 1]
    assert NAME not in ordinary(machine, "/Query").out
    assert machine.schtasks("/Query", "/TN", NAME).code == 0


def test_a_user_may_be_a_sid_and_a_name_that_nobody_knows_registers_nothing(machine: Fake) -> None:
    for user, options, code in (
        (machine.sid, {"names-unknown": ""}, 0),
        ("me", {"names-unknown": ""}, 1),
        ("you", {}, 1),
    ):
        machine.options = options
        machine.files["u.xml"] = DOCUMENT.replace("<UserId>me<", f"<UserId>{user}<").encode("utf-16")
        said = machine.schtasks("/Create", "/TN", NAME, "/XML", "u.xml", "/F")
        assert (said.code, "No mapping between account names" in said.err) == (code, code == 1), said


def test_the_export_leaves_defaults_out_and_writes_durations_and_order_its_own_way(machine: Fake) -> None:
    settings = "<Enabled>true</Enabled><Hidden>false</Hidden><Priority>7</Priority>" + POWERED + NO_LIMIT
    machine.files["d.xml"] = text(AT_LOGON + KEEP_ALIVE, settings).encode("utf-16")
    machine.schtasks("/Create", "/TN", NAME, "/XML", "d.xml", "/F")
    document = machine.schtasks("/Query", "/TN", NAME, "/XML", "ONE").out
    assert "<Enabled>" not in document
    assert "Hidden" not in document
    assert "Priority" not in document
    assert "<Interval>PT60S</Interval>" in document
    assert document.index("StopIfGoingOnBatteries") < document.index("DisallowStartIfOnBatteries")
