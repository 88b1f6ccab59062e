"""What stands on PATH as `gh`: `gh api` for the comments of `o/r#460`. Refuses what gh and GitHub refuse.

Settings of state.json, next to login, comments and next_id: `fail` maps `METHOD path-ending` to [exit code, stderr],
`lose` names methods that are carried out and then not answered (exit code 1, as after a broken connection), `hang`
those that are carried out and never end, `drop` those that are neither; `merged` has pages come as one array, as from
gh 2.48 on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, NoReturn

PAGE = 100
MAX_BODY = 65_536
COMMENTS = "repos/o/r/issues/460/comments"
ONE = "repos/o/r/issues/comments/"
FOLDER = os.environ["STAND_IN_GH"]


def main(words: list[str]) -> None:
    given = sys.stdin.buffer.read().decode("utf-8")
    with open(f"{FOLDER}/log.jsonl", "a") as log:  # noqa: PTH123 - started a dozen times a test, so nothing is imported
        log.write(json.dumps({"words": words, "given": given}) + "\n")
    with open(f"{FOLDER}/state.json") as file:  # noqa: PTH123 - as above
        state = json.load(file)
    method, path, paginate, has_input = parsed(words)
    if state["login"] is None:
        die(4, "To get started with GitHub CLI, please run:  gh auth login")
    for key, (code, text) in state.get("fail", {}).items():
        wanted, _, ending = key.partition(" ")
        if method == wanted and path.partition("?")[0].endswith(ending):
            die(code, text)
    if method in state.get("drop", []):
        die(1, "error connecting to api.github.com\ncheck your internet connection or https://githubstatus.com")
    answer(state, method, path, body_of(given) if has_input else None, paginate=paginate)


def parsed(words: list[str]) -> tuple[str, str, bool, bool]:
    """Take `gh api`'s own flags, as far as the product may use them; refuse all else as cobra does."""
    if not words or words[0] != "api":
        die(1, f'unknown command "{words[0] if words else ""}" for "gh"')
    flags, paths = {"--method": "GET", "--input": "", "--paginate": ""}, []
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word not in flags:
            die(1, f"unknown flag: {word}")
        if word in flags:
            flags[word] = "yes" if word == "--paginate" else rest.pop(0)
        else:
            paths.append(word)
    method, paginate, has_input = flags["--method"], bool(flags["--paginate"]), bool(flags["--input"])
    if flags["--input"] not in ("", "-"):
        die(1, "open: no such file or directory")
    if len(paths) != 1:
        die(1, f"accepts 1 arg(s), received {len(paths)}")
    if paginate and method != "GET":
        die(1, "the `--paginate` option is not supported for non-GET requests")
    if paginate and has_input:
        die(1, "the `--paginate` option is not supported with `--input`")
    return method, paths[0], paginate, has_input


def body_of(given: str) -> str:
    try:
        document = json.loads(given)
    except ValueError:
        die(1, "gh: Problems parsing JSON (HTTP 400)")
    if not isinstance(document, dict) or set(document) != {"body"} or not isinstance(document["body"], str):
        die(1, "gh: Invalid request. For 'properties/body', nil is not a string. (HTTP 422)")
    if not document["body"].strip() or len(document["body"]) > MAX_BODY:
        die(1, "gh: Validation Failed (HTTP 422)\nBody is too long (maximum is 65536 characters)")
    return document["body"]


def answer(state: dict[str, Any], method: str, path: str, body: str | None, *, paginate: bool) -> None:
    base, _, query = path.partition("?")
    if (method, base) == ("GET", "user"):
        print(json.dumps({"login": state["login"], "id": 1}))  # noqa: T201 - what gh answers
    elif (method, base) == ("GET", COMMENTS):
        show(state, state["comments"], query, paginate=paginate)
    elif (method, base) == ("POST", COMMENTS) and body is not None:
        changed(state, method, add(state, body))
    elif method == "PATCH" and base.startswith(ONE) and body is not None:
        changed(state, method, edit(state, base.removeprefix(ONE), body))
    else:
        die(1, "gh: Not Found (HTTP 404)")


def show(state: dict[str, Any], comments: list[Any], query: str, *, paginate: bool) -> None:
    size = PAGE if query == f"per_page={PAGE}" else 30
    pages = [comments[at : at + size] for at in range(0, len(comments), size)] or [[]]
    pages = pages if paginate else pages[:1]
    text = (
        [json.dumps([entry for page in pages for entry in page])]
        if state.get("merged")
        else [json.dumps(page) for page in pages]
    )
    sys.stdout.write("".join(text))


def add(state: dict[str, Any], body: str) -> dict[str, Any]:
    number = state["next_id"]
    url = f"https://github.example/o/r/issues/460#issuecomment-{number}"
    entry = {"id": number, "html_url": url, "user": {"login": state["login"]}, "body": body}
    state["comments"].append(entry)
    state["next_id"] = number + 1
    return entry


def edit(state: dict[str, Any], number: str, body: str) -> dict[str, Any]:
    found: dict[str, Any] | None = next((each for each in state["comments"] if str(each["id"]) == number), None)
    if found is None:
        die(1, "gh: Not Found (HTTP 404)")
    if found["user"] is None or found["user"]["login"].lower() != state["login"].lower():
        die(1, "gh: Must have admin rights to Repository. (HTTP 403)")
    found["body"] = body
    return found


def changed(state: dict[str, Any], method: str, entry: dict[str, Any]) -> None:
    with open(f"{FOLDER}/state.json", "w") as file:  # noqa: PTH123 - as above
        json.dump(state, file)
    if method in state.get("hang", []):
        time.sleep(600)
    if method in state.get("lose", []):
        die(1, "unexpected EOF")
    print(json.dumps(entry))  # noqa: T201 - as above


def die(code: int, text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
