"""Each cause of a diagnosis as one sentence, each check by its name, in both languages."""

from __future__ import annotations

from typing import Final

#: The checks' names are the judge's; English shows them as they are.
CHECKS_FR: Final = {
    "resolves": "nom résolu",
    "answers": "répond",
    "host key": "clé d'hôte",
    "login": "connexion",
    "identity": "identité",
    "python": "python",
    "agent": "agent",
    "permanence": "permanence",
    "loop": "boucle",
    "beat": "battement",
    "share": "partage",
    "writable": "écriture",
    "uploads": "envois",
    "downloads": "réceptions",
    "clock": "horloge",
    "twins": "jumelles",
    "old services": "anciens services",
    "zombie": "zombie",
    "expected": "attendue",
    "own replica": "réplique d'ici",
    "view": "vue",
    "temporary files": "fichiers temporaires",
}

#: What a check saw, where it is more than facts; English shows it as it is.
SEEN_FR: Final = {
    "port {port}": "port {port}",
    "{offset} s": "{offset} s",
    "it calls itself {answers_as}": "elle se nomme {answers_as}",
    "its agent beats as {answers_as}": "son agent bat sous le nom de {answers_as}",
    "there is none": "il n'y en a pas",
    "{version}, another build": "{version}, autre version",
    "{version}, and the loop that runs is another build": "{version}, et la boucle qui tourne est d'une autre version",
    "{version}, and config.json is not the inventory's": "{version}, et config.json n'est pas celui de l'inventaire",
    "not installed": "pas installée",
    "{kind}, disabled": "{kind}, désactivée",
    "{kind}, back once its user has logged on; after updates at night: Settings, Accounts, Sign-in options": (
        "{kind}, de retour une fois sa session ouverte ; après les mises à jour de nuit : Paramètres, Comptes, "
        "Options de connexion"
    ),
    "since {since}": "depuis {since}",
    "not running": "ne tourne pas",
    "stopped on purpose": "arrêtée exprès",
    "never started": "jamais démarrée",
    "none yet": "aucun encore",
    "{age} ago": "il y a {age}",
    "{age} ago, number {sequence}": "il y a {age}, numéro {sequence}",
    "{age} ago, and it was not read back": "il y a {age}, et il n'a pas été relu",
    "{path} (in the logon session)": "{path} (dans la session ouverte)",
    "it waits for its share": "elle attend son partage",
    "it runs, and its last beat is old": "elle tourne, et son dernier battement est vieux",
    "it runs, and never beat": "elle tourne, et n'a jamais battu",
    "seen by {observers}": "vus par {observers}",
    "not seen by {observers}": "pas vus par {observers}",
    "nobody else tells": "personne d'autre ne le dit",
    "nothing{newer}": "rien{newer}",
    "one that runs there erases the view": "celui qui y tourne efface la vue",
    "{count} times: {said}": "{count} fois : {said}",
    "seen {observed}": "vue {observed}",
    "not in the inventory": "absente de l'inventaire",
    "none is named (--shared)": "aucune n'est nommée (--shared)",
    "without {missing}": "sans {missing}",
    "one erases the view: {machine}": "l'un d'eux efface la vue : {machine}",
    "none of ours left": "aucun des nôtres",
}

EN: Final = {
    "inventory-wrong": "the inventory cannot be used for it: {said}",
    "name-not-resolved": "the name {host} does not resolve here: {said}; give {machine} another host in the inventory",
    "machine-off": (
        "{host} does not answer at all: it is off, asleep, or a firewall is in the way; switch it on, and look again"
    ),
    "network-unreachable": "there is no way to {host} from this computer; join its network, and look again",
    "nobody-listens": "{host} refuses the connection: port {port} is closed; start its SSH server, and look again",
    "ssh-silent": (
        "it takes the connection and then says nothing: it hangs, or is overloaded; restart it, and look again"
    ),
    "host-key-unknown": (
        "its host key is not known here, so nothing was sent to it; compare the fingerprint before you say yes"
    ),
    "host-key-changed": (
        "its host key is not the one known here: it was set up anew, or it is another machine; forget the old one "
        "once you are sure which"
    ),
    "login-refused": "it refused the login of {user}; put this computer's key there",
    "wrong-system": "it runs another system than the inventory says: {said}",
    "not-reached": "it was not reached: {said}",
    "no-answer-in-time": "it let us in and did not answer in time: its share or its Python may hang, or it is slow",
    "ask-failed": "it let us in and gave no answer that can be used: {said}",
    "no-machine-id": "it calls itself {answers_as}, and no machineId can be made of that",
    "wrong-name": (
        "it is {answers_as}: whatever beats there beats under another name than {machine}; correct the name or the"
        " host in the inventory"
    ),
    "same-name-twice": (
        "its address leads to {answers_as}, which the inventory has already; correct its host in the inventory"
    ),
    "no-python": (
        "there is no CPython 3.9 or later that an agent could run on; on Windows, bootstrap_python=True in the "
        "inventory lets a rollout install one"
    ),
    "not-enrolled": "there is no agent on it",
    "old-service-only": (
        "only the old service beats for it ({age} ago), which lives and dies with the program it runs in"
    ),
    "agent-broken": "there is an agent, and it does not work: {said}",
    "agent-outdated": "its agent is another build than this computer's",
    "loop-outdated": "the loop that runs is an older build than the agent beside it",
    "config-differs": "its agent is not configured as the inventory says",
    "not-permanent": "the loop runs, and nothing will bring it back after a crash or a boot",
    "permanence-disabled": "what should bring the agent back is switched off",
    "never-started": "it was registered, and its loop was never started: it sends no heartbeat by itself",
    "stopped-on-purpose": "it was stopped on purpose at {since}{undone_said}",
    "agent-dead": "the agent is gone and nothing has brought it back; its last beat was at {since}",
    "zombie": "the loop is said to run, and has not beaten for {age}",
    "beat-not-written": "its last beat was not found in the share after it was written",
    "no-shared-path": "nothing tells it where the shared folder is; name it with shared= in the inventory",
    "no-logon-session": (
        "{user} is not logged on there, so no session has the shared drive: {said}; log on there, and look again"
    ),
    "drive-not-mounted": "the session it runs in has no {path}: {said}; start the sync product there first",
    "share-missing": "the shared folder is not there: {said}; start the sync product there, or mount it",
    "share-not-a-folder": "what should be the shared folder is none: {said}",
    "share-hung": "the shared folder does not answer: {said}; restart the sync product there, and look again",
    "share-read-only": "the shared folder is read-only: {said}; make it writable there",
    "share-refused": "the agent's user may not use the shared folder: {said}; let {user} write there",
    "share-full": "there is no room left in the shared folder: {said}; free some there",
    "share-problem": "the shared folder cannot be used: {said}",
    "uploads-stalled": (
        "it beats, and its beats do not leave it: the last {lag} are missing at {observers}; restart the sync "
        "product there"
    ),
    "downloads-stalled": "its replica is stale: it shows nothing of the others{newer}; restart the sync product there",
    "record-unreadable": "its record in the share cannot be read: {file} ({kind}: {detail})",
    "clock-wrong": "{said}",
    "twin-identity": "another computer beats under its name ({said}); stop the agent on the one that is not it",
    "case-double": "its record is there in two spellings; remove the one that nobody writes: {files}",
    "conflict-copies": "the sync product made conflict copies of its record; remove them in the share, once: {files}",
    "old-writer-erases-view": (
        "an old heartbeat service on {machine} erases others from heartbeat.json with each beat; stop it there (it"
        " runs in the editor)"
    ),
    "old-writer-rewrites-record": (
        "an old heartbeat service writes its own memory over this record: {said}; stop the old services "
        "(generation 3.1)"
    ),
    "beats-though-expected-offline": (
        "it is expected offline{because}, and it is {observed}; stop it, or expect it online in the inventory"
    ),
    "not-in-inventory": (
        "it is seen in the shared state, and the inventory does not know it; add it there, or remove {files}"
    ),
    "own-replica-unavailable": (
        "this computer cannot read its own replica: {said}; the machines' own replicas tell meanwhile"
    ),
    "own-replica-stale": (
        "this computer's own replica is stale: it shows nothing{newer}; restart the sync product here, and look "
        "through another meanwhile"
    ),
    "view-missing": "there is no heartbeat.json for those who read nothing else",
    "view-unreadable": "heartbeat.json cannot be read: {kind}",
    "view-incomplete": "heartbeat.json lacks machines that beat: {missing}",
    "orphan-temporary-files": "temporary files of agents that are gone lie in the share ({count}): {files}",
    "expected-off": "it is off, as expected{because}",
    "well": "all is well",
}

FR: Final = {
    "inventory-wrong": "l'inventaire est inutilisable pour elle : {said}",
    "name-not-resolved": (
        "le nom {host} n'est pas résolu ici : {said} ; donner un autre host à {machine} dans l'inventaire"
    ),
    "machine-off": (
        "{host} ne répond pas du tout : éteinte, en veille, ou un pare-feu fait obstacle ; l'allumer, puis "
        "regarder encore"
    ),
    "network-unreachable": (
        "aucun chemin ne mène à {host} depuis cet ordinateur ; rejoindre son réseau, puis regarder encore"
    ),
    "nobody-listens": (
        "{host} refuse la connexion : le port {port} est fermé ; y démarrer le serveur SSH, puis regarder encore"
    ),
    "ssh-silent": (
        "elle prend la connexion puis se tait : elle est bloquée, ou surchargée ; la redémarrer, puis regarder encore"
    ),
    "host-key-unknown": (
        "sa clé d'hôte est inconnue ici : rien ne lui a été envoyé ; comparer l'empreinte avant de dire oui"
    ),
    "host-key-changed": (
        "sa clé d'hôte n'est plus celle connue ici : réinstallée, ou c'est une autre machine ; oublier l'ancienne "
        "une fois sûr de laquelle"
    ),
    "login-refused": "elle a refusé la connexion de {user} ; y mettre la clé de cet ordinateur",
    "wrong-system": "son système n'est pas celui que dit l'inventaire : {said}",
    "not-reached": "elle n'a pas été jointe : {said}",
    "no-answer-in-time": (
        "elle nous laisse entrer et ne répond pas à temps : partage ou Python bloqué, ou machine lente"
    ),
    "ask-failed": "elle nous laisse entrer et ne donne aucune réponse utilisable : {said}",
    "no-machine-id": "elle se nomme {answers_as}, dont aucun machineId ne peut être tiré",
    "wrong-name": (
        "c'est {answers_as} : ce qui bat là bat sous un autre nom que {machine} ; corriger le nom ou le host dans "
        "l'inventaire"
    ),
    "same-name-twice": "son adresse mène à {answers_as}, que l'inventaire a déjà ; corriger son host dans l'inventaire",
    "no-python": (
        "il n'y a pas de CPython 3.9 ou plus récent pour un agent ; sous Windows, bootstrap_python=True dans "
        "l'inventaire laisse le rollout l'installer"
    ),
    "not-enrolled": "aucun agent n'y est installé",
    "old-service-only": (
        "seul l'ancien service bat pour elle (il y a {age}) ; il meurt avec le programme qui le contient"
    ),
    "agent-broken": "il y a un agent, et il ne fonctionne pas : {said}",
    "agent-outdated": "son agent n'est pas la version de cet ordinateur",
    "loop-outdated": "la boucle qui tourne est plus ancienne que l'agent installé",
    "config-differs": "son agent n'est pas configuré comme le dit l'inventaire",
    "not-permanent": "la boucle tourne, et rien ne la relancera après une panne ou un démarrage",
    "permanence-disabled": "ce qui doit relancer l'agent est désactivé",
    "never-started": "elle est enregistrée, mais sa boucle n'a jamais été démarrée : rien n'envoie ses heartbeats",
    "stopped-on-purpose": "elle a été arrêtée exprès à {since}{undone_said}",
    "agent-dead": "l'agent a disparu et rien ne l'a relancé ; dernier battement : {since}",
    "zombie": "la boucle est dite active, et n'a pas battu depuis {age}",
    "beat-not-written": "son dernier battement ne se relit pas dans le partage",
    "no-shared-path": "rien ne lui dit où est le dossier partagé ; le nommer par shared= dans l'inventaire",
    "no-logon-session": (
        "{user} n'y a pas de session ouverte, donc aucune ne voit le disque partagé : {said} ; y ouvrir une "
        "session, puis regarder encore"
    ),
    "drive-not-mounted": "la session où il tourne n'a pas {path} : {said} ; y démarrer d'abord la synchronisation",
    "share-missing": "le dossier partagé n'est pas là : {said} ; y démarrer la synchronisation, ou le monter",
    "share-not-a-folder": "ce qui devrait être le dossier partagé n'en est pas un : {said}",
    "share-hung": "le dossier partagé ne répond pas : {said} ; y relancer la synchronisation, puis regarder encore",
    "share-read-only": "le dossier partagé est en lecture seule : {said} ; l'y rendre accessible en écriture",
    "share-refused": "l'utilisateur de l'agent n'a pas droit au dossier partagé : {said} ; y laisser {user} écrire",
    "share-full": "il n'y a plus de place dans le dossier partagé : {said} ; y en libérer",
    "share-problem": "le dossier partagé est inutilisable : {said}",
    "uploads-stalled": (
        "elle bat, mais ses battements ne partent pas : ceux des derniers {lag} manquent à {observers} ; y "
        "relancer la synchronisation"
    ),
    "downloads-stalled": (
        "sa réplique est périmée : elle ne montre rien des autres{newer} ; y relancer la synchronisation"
    ),
    "record-unreadable": "sa fiche dans le partage est illisible : {file} ({kind} : {detail})",
    "clock-wrong": "{said}",
    "twin-identity": "un autre ordinateur bat sous son nom ({said}) ; arrêter l'agent sur celui qui ne l'est pas",
    "case-double": "sa fiche existe sous deux graphies ; supprimer celle que personne n'écrit : {files}",
    "conflict-copies": (
        "le produit de synchronisation a fait des copies de conflit de sa fiche ; les supprimer du partage, une "
        "fois : {files}"
    ),
    "old-writer-erases-view": (
        "un ancien service sur {machine} efface les autres de heartbeat.json à chaque battement ; l'y arrêter (il "
        "tourne dans l'éditeur)"
    ),
    "old-writer-rewrites-record": (
        "un ancien service réécrit cette fiche de mémoire : {said} ; arrêter les anciens services (génération 3.1)"
    ),
    "beats-though-expected-offline": (
        "elle est attendue offline{because}, et elle est {observed} ; l'arrêter, ou l'attendre online dans l'inventaire"
    ),
    "not-in-inventory": (
        "elle est vue dans l'état partagé, et l'inventaire ne la connaît pas ; l'y ajouter, ou supprimer {files}"
    ),
    "own-replica-unavailable": (
        "cet ordinateur ne peut pas lire sa propre réplique : {said} ; celles des machines renseignent en attendant"
    ),
    "own-replica-stale": (
        "la réplique de cet ordinateur est périmée : elle ne montre rien{newer} ; relancer ici la synchronisation,"
        " et regarder par une autre en attendant"
    ),
    "view-missing": "il n'y a pas de heartbeat.json pour ceux qui ne lisent que lui",
    "view-unreadable": "heartbeat.json est illisible : {kind}",
    "view-incomplete": "des machines qui battent manquent dans heartbeat.json : {missing}",
    "orphan-temporary-files": "des fichiers temporaires d'agents disparus traînent dans le partage ({count}) : {files}",
    "expected-off": "elle est éteinte, comme prévu{because}",
    "well": "tout va bien",
}

#: The other words of the report.
WORDS_EN: Final = {
    "here": "this computer and the share",
    "cause": "Cause",
    "next": "Next",
    "seen": "expected {expected}, seen {observed}",
    "stranger": "not in the inventory, seen {observed}",
    "all_well": "{total}: as expected",
    "some": "{total}: {well} as expected, {wrong} not",
    "machines": "{count} machines",
    "machine": "1 machine",
    "not_reached": "unknown",
    "fixed": "Done",
    "would": "Would be done",
    "not_fixed": "Not done",
    "nothing": "nothing that is safe to do by itself",
    "unknown_time": "an unknown time",
    "newer": " newer than {since}",
    "this_computer": "this computer",
    "more": "{names} and {count} more",
    "restart": "restart {machine}, whose loop does not beat",
    "rebuild-view": "rebuild heartbeat.json",
    "sweep": "remove {files}",
    "in_replica": ", in the replica of {machine}",
}
WORDS_FR: Final = {
    "here": "cet ordinateur et le partage",
    "cause": "Cause",
    "next": "À faire",
    "seen": "attendue {expected}, vue {observed}",
    "stranger": "absente de l'inventaire, vue {observed}",
    "all_well": "{total} : conforme",
    "some": "{total} : {well} conformes, {wrong} non",
    "machines": "{count} machines",
    "machine": "1 machine",
    "not_reached": "inconnu",
    "fixed": "Fait",
    "would": "Serait fait",
    "not_fixed": "Pas fait",
    "nothing": "rien qui puisse être fait sans risque",
    "unknown_time": "une date inconnue",
    "newer": " de plus récent que {since}",
    "this_computer": "cet ordinateur",
    "more": "{names} et {count} de plus",
    "restart": "redémarrer {machine}, dont la boucle ne bat pas",
    "rebuild-view": "reconstruire heartbeat.json",
    "sweep": "supprimer {files}",
    "in_replica": ", dans le réplica de {machine}",
}
