"""What schtasks says, in English and in French: nobody who reads it may depend on which."""

from collections.abc import Mapping
from typing import Final

Language = Mapping[str, str]

ENGLISH: Final[Language] = {
    "error": "ERROR: {0}",
    "info-running": 'INFO: scheduled task "{0}" is currently running.',
    "created": 'SUCCESS: The scheduled task "{0}" has successfully been created.',
    "run": 'SUCCESS: Attempted to run the scheduled task "{0}".',
    "ended": 'SUCCESS: The scheduled task "{0}" has been terminated successfully.',
    "changed": 'SUCCESS: The parameters of scheduled task "{0}" have been changed.',
    "deleted": 'SUCCESS: The scheduled task "{0}" was successfully deleted.',
    "replace": 'WARNING: The task name "{0}" already exists. Do you want to replace it (Y/N)? ',
    "remove": 'WARNING: Are you sure you want to remove the task "{0}" (Y/N)? ',
    "no-file": "The system cannot find the file specified.",
    "no-path": "The system cannot find the path specified.",
    "no-task": 'The specified task name "{0}" does not exist in the system.',
    "bad-name": "The filename, directory name, or volume label syntax is incorrect.",
    "disabled": "The task is disabled.",
    "denied": "Access is denied.",
    "no-demand": "The task does not allow to be started on demand.",
    "bad-option": "Invalid argument/option - '{0}'.",
    "no-value": "Invalid syntax. Value expected for '{0}'.",
    "twice": "Invalid syntax. '{0}' option is not allowed more than '1' time(s).",
    "mandatory": "Invalid syntax. Mandatory option '{0}' is missing.",
    "usage": 'Type "SCHTASKS {0}/?" for usage.',
    "bad-value": "Invalid value for '{0}' option.",
    "folder": "Folder: {0}",
    "Ready": "Ready",
    "Running": "Running",
    "Queued": "Queued",
    "Disabled": "Disabled",
    "Enabled": "Enabled",
    "Interactive only": "Interactive only",
    "Background": "Background only",
    "no-format": "Scheduling data is not available in this format.",
    "At logon time": "At logon time",
    "One Time Only, Minute": "One Time Only, Minute",
    "One Time Only": "One Time Only",
    "At system start up": "At system start up",
    "On demand only": "On demand only",
    "Undefined": "Undefined",
    "hours": "{0} Hour(s), {1} Minute(s)",
    "hours-seconds": "{0:02}:{1:02}:{2:02}",
    "power": "{0}",
    "stop-battery": "Stop On Battery Mode",
    "no-start-battery": "No Start On Batteries",
    "when": "%m/%d/%Y %I:%M:%S %p",
    "date": "%m/%d/%Y",
    "time": "%I:%M:%S %p",
    "columns": "HostName|TaskName|Next Run Time|Status|Logon Mode|Last Run Time|Last Result|Author|Task To Run|"
    "Start In|Comment|Scheduled Task State|Idle Time|"
    "Power Management|Run As User|Delete Task If Not Rescheduled|"
    "Stop Task If Runs X Hours and X Mins|Schedule|Schedule Type|Start Time|Start Date|End Date|"
    "Days|"
    "Months|Repeat: Every|Repeat: Until: Time|Repeat: Until: Duration|Repeat: Stop If Still Running",
}

#: Not copied from a French Windows: enough to be different.
FRENCH: Final[Language] = {
    **ENGLISH,
    "error": "ERREUR : {0}",
    "info-running": "INFORMATION : la tâche planifiée « {0} » est en cours d'exécution.",
    "created": "Opération réussie : la tâche planifiée « {0} » a été correctement créée.",
    "run": "Opération réussie : tentative d'exécution de la tâche planifiée « {0} ».",
    "ended": "Opération réussie : la tâche planifiée « {0} » a été terminée.",
    "changed": "Opération réussie : les paramètres de la tâche planifiée « {0} » ont été modifiés.",
    "deleted": "Opération réussie : la tâche planifiée « {0} » a été supprimée.",
    "replace": "AVERTISSEMENT : la tâche « {0} » existe déjà. Voulez-vous la remplacer (O/N) ? ",
    "remove": "AVERTISSEMENT : voulez-vous vraiment supprimer la tâche « {0} » (O/N) ? ",
    "no-file": "Le fichier spécifié est introuvable.",
    "no-path": "Le chemin d'accès spécifié est introuvable.",
    "no-task": "Le nom de tâche « {0} » n'existe pas dans le système.",
    "bad-name": "La syntaxe du nom de fichier, de répertoire ou de volume est incorrecte.",
    "disabled": "La tâche est désactivée.",
    "denied": "Accès refusé.",
    "no-demand": "La tâche ne peut pas être démarrée à la demande.",
    "bad-option": "Argument/option non valide : « {0} ».",
    "no-value": "Syntaxe incorrecte. Valeur attendue pour « {0} ».",
    "twice": "Syntaxe incorrecte. L'option « {0} » n'est pas autorisée plus de 1 fois.",
    "mandatory": "Syntaxe incorrecte. L'option obligatoire « {0} » est absente.",
    "usage": "Entrez « SCHTASKS {0}/? » pour afficher la syntaxe.",
    "bad-value": "Valeur non valide pour l'option « {0} ».",
    "folder": "Dossier : {0}",
    "Ready": "Prêt",
    "Running": "En cours d'exécution",
    "Queued": "En file d'attente",
    "Disabled": "Désactivée",
    "Enabled": "Activée",
    "Interactive only": "Interactif uniquement",
    "Background": "Arrière-plan uniquement",
    "no-format": "Les données de planification ne sont pas disponibles dans ce format.",
    "At logon time": "À l'ouverture de session",
    "One Time Only, Minute": "Une seule fois, Minute",
    "One Time Only": "Une seule fois",
    "At system start up": "Au démarrage du système",
    "On demand only": "À la demande uniquement",
    "Undefined": "Non défini",
    "hours": "{0} heure(s), {1} minute(s)",
    "stop-battery": "Arrêter en mode batterie",
    "no-start-battery": "Ne pas démarrer sur batterie",
    "when": "%d/%m/%Y %H:%M:%S",
    "date": "%d/%m/%Y",
    "time": "%H:%M:%S",
    "columns": "Nom de l'hôte|Nom de la tâche|Prochaine exécution|Statut|Mode d'ouverture de session|"
    "Heure de la dernière exécution|Dernier résultat|Auteur|"
    "Tâche à exécuter|Démarrer dans|Commentaire|État de la tâche planifiée|Temps d'inactivité|"
    "Gestion de l'alimentation|Exécuter en tant qu'utilisateur|"
    "Supprimer la tâche si elle n'est pas replanifiée|"
    "Arrêter la tâche si elle s'exécute X heures et X minutes|Planification|Type de planification|"
    "Heure de début|Date de début|Date de fin|Jours|Mois|Répéter : toutes les|"
    "Répéter : jusqu'à : heure|Répéter : jusqu'à : durée|"
    "Répéter : arrêter si en cours d'exécution",
}


def language(word: str) -> Language:
    """`fr` or English."""
    return FRENCH if word.strip().lower().startswith("fr") else ENGLISH
