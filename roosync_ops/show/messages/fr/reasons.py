"""Reasons and flips in French: one message, one line. What to type next is in `messages.commands`."""

from __future__ import annotations

from typing import Final

# fmt: off
#: A few words for a table's cell; one sentence: the cause and, where there is one, the next step, which its command follows.
REASONS: Final = {
    "never-seen": ("jamais vue", "{machine} n'a jamais été vue dans l'état partagé{sign_said} ; y installer l'agent"),
    "file-not-understood": ("fichier illisible", "{file} est inutilisable ({kind} : {detail}) ; le faire réécrire par sa machine"),
    "no-valid-heartbeat": ("heartbeat non valide", "{file} ne contient aucun heartbeat exploitable ({kind} : {detail}) ; le faire réécrire par sa machine"),
    "missing-beats": ("{missed} battements manqués", "{machine} a manqué {missed} battements, le dernier date de {age}{sign_said} ; regarder encore"),
    "silent": ("muette {age}", "{machine} est muette depuis {age} (dernier heartbeat : {since}){sign_said} ; la relancer"),
    "kept-by-older-service": ("ancien service, {age}", "{machine} n'a que l'ancien service, qui écrit aussi rarement (il y a {age}{sign_said}) ; l'enrôler"),
    "older-service-silent": ("ancien service muet", "{machine} est muette depuis {age} (dernier heartbeat : {since}) et n'avait que l'ancien service{sign_said} ; l'enrôler"),
    "older-service-left": ("arrêtée exprès", "{machine} a été arrêtée exprès à {since}{suspect} et n'avait que l'ancien service ; l'enrôler"),
    "left": ("arrêtée exprès", "{machine} a été arrêtée exprès à {since}{suspect}{undone_said} ; la relancer"),
    "beats-though-expected-offline": ("bat, attendue off", "{machine} est attendue offline{because} et elle est {observed}{suspect} ; corriger l'inventaire, ou l'arrêter"),
    "clock-suspected": ("horloge suspecte", "le dernier heartbeat de {machine} est daté {ahead} dans le futur ; comparer son horloge à celle-ci"),
    "observer-suspected": ("observateur suspect", "{gone} machines sur {of} semblent perdues ou en retard d'un coup ({machine} : {heard}) ; soupçonner d'abord la réplique de cet observateur ou le partage, et interroger les machines"),
    "replica-behind-the-view": ("réplique périmée ?", "{machine} est muette ici depuis {age}, et cette réplique est peut-être périmée : heartbeat.json a un battement plus récent de {newer} que le fichier de la machine ; comparer les répliques"),
    "replica-behind": ("réplique périmée ?", "{machine} est muette ici depuis {age}, et cette réplique est peut-être périmée : heartbeat.json est plus vieux de {lag} que le dernier battement de {keeper}, qui l'écrit ; comparer les répliques"),
    "no-view": ("pas de vue", "il n'y a pas de heartbeat.json ; voir l'état partagé"),
    "not-in-heartbeats": ("absente de heartbeats", "heartbeat.json n'a pas d'entrée pour {machine} ; voir l'état partagé"),
    "stored-status": ("pas online", "heartbeat.json dit {status}, et non online, pour {machine} ; regarder encore"),
    "not-in-online-machines": ("hors de la liste", "onlineMachines de heartbeat.json ne contient pas {machine} ; regarder encore"),
    "online-count-not-up": ("compte inchangé", "onlineCount vaut {after}, valait {before} et devrait être au moins {wanted} ; voir quelle machine manque"),
    "machine-off": ("machine éteinte", "{name} ne répond pas ({detail}) : elle est éteinte, ou injoignable d'ici ; voir pourquoi"),
    "not-let-in": ("pas d'accès", "{name} est allumée et refuse cet ordinateur ({detail}) : l'état de son agent est inconnu"),
    "no-usable-answer": ("sans réponse utile", "{name} est allumée, et sa réponse ne dit pas l'état de son agent ({detail}) ; voir pourquoi"),
    "no-agent": ("pas d'agent", "{name} est allumée et n'a pas d'agent ; l'y installer"),
    "agent-gone": ("agent arrêté{at}", "{name} est allumée, son agent ne tourne plus{since_when} ; le relancer"),
    "agent-silent": ("agent muet{at}", "l'agent de {name} tourne et ne bat plus{since_when} ; le relancer"),
    "share-stuck": ("partage bloqué{at}", "{name} : agent actif, partage bloqué{since_when} ({state} : {detail}) ; y relancer le produit de synchronisation, ou en savoir plus"),
    "upload-stalled": ("rien ne part{at}", "{name} : agent actif, ses battements ne sont pas envoyés{since_when} ({behind} répliques sur {of} en retard) ; y relancer le produit de synchronisation, ou en savoir plus"),
    "observer-stale": ("périmée{at}", "observateur {name} : sa réplique est périmée{since_when} ({behind} machines sur {of} y sont en retard) ; y relancer la synchronisation et regarder encore"),
    "not-arriving": ("n'arrive pas{at}", "les battements de {name} n'atteignent pas {observer_name}{since_when} : un envoi ou une réception est bloqué, et aucune troisième machine ne montre lequel"),
    "share-stalled": ("partage à l'arrêt{at}", "rien n'est répliqué{since_when} ({behind} battements sur {of} n'arrivent nulle part) : le partage est bloqué, pas les machines ; vérifier la synchronisation et regarder encore"),
    "replica-unreadable": ("réplique non lue", "{name} n'a pas pu lire sa propre réplique ({detail}) ; voir pourquoi"),
    "twin-identity": ("deux ordinateurs", "deux ordinateurs battent sous le nom de {name} ({detail}) : arrêter l'agent sur le mauvais ; voir lequel"),
    "clock-wrong": ("horloge {off_short}", "l'horloge de {name} est {off_long} celle-ci ; les âges en sont corrigés ; la régler"),
    "reader-clock-wrong": ("horloge d'ici suspecte", "l'horloge de cet ordinateur est {off_long} celles de {count} machines qui concordent ; la régler, et regarder encore"),
    "clock-stepped": ("horloge reculée", "horloge suspecte : {name} a envoyé un battement plus récent daté {back} plus tôt ; voir son horloge"),
    "clock-contradicted": ("horloge suspecte", "horloge suspecte : {name} semble muette depuis {age}, et son fichier dit que son horloge a reculé de {back} ; interroger la machine"),
    "clock-disagrees": ("horloge suspecte", "horloge suspecte : {name} date ses battements d'heures qui ne vont pas avec leur arrivée ici ; interroger la machine"),
    "clock-seems-behind": ("horloge suspecte", "horloge suspecte : {name} semble muette depuis {age}, et l'auteur de heartbeat.json n'avait rien d'elle {unheard} après sa dernière heure ; interroger la machine"),
    "clock-hides-silence": ("horloge suspecte", "horloge suspecte : le heartbeat de {name} est daté {ahead} dans le futur, et aucun n'est arrivé ici depuis {age} ; interroger la machine"),
}
FLIPS: Final = {
    "first-beat": "premier heartbeat vu",
    "beats-again": "bat de nouveau",
    "started-again": "relancée après son arrêt volontaire",
    "stopped-on-purpose": "arrêtée exprès",
    "silent": "muette{since}, alors que d'autres machines battent ; la relancer",
    "silent-with-nobody-to-compare": "muette{since} ; aucune autre machine ne bat ici, ce peut être le partage",
    "record-gone": "son fichier a disparu du partage, ce qui ne montre pas l'état de la machine ; regarder",
    "flapping": "va et vient ({detail}) : plus annoncée avant qu'elle ne se stabilise",
    "settled": "s'est stabilisée",
    "no-beat-of-anybody": "aucun heartbeat d'aucune machine n'arrive ; soupçonner cette réplique ou le partage avant les machines",
    "most-look-gone-at-once": "presque toutes les machines semblent perdues d'un coup ; soupçonner cette réplique ou le partage avant elles",
    "share-unavailable": "illisible{detail_after}",
    "share-back": "les heartbeats arrivent de nouveau",
}
