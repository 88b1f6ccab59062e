#Requires -Version 5.1
#Requires -RunAsAdministrator
# roosync-ops @@VERSION@@: lets this Windows machine be reached over SSH, from the local network, with one public key.
# In an elevated Windows PowerShell: paste it and press Enter, or  powershell -ExecutionPolicy Bypass -File bootstrap.ps1
# A second run changes nothing. For Windows 10 1809 or Server 2019 and later.
# No line in the block is empty: a console without PSReadLine would take that for its end.
& {
    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'
    $Key = @@KEY@@
    $Account = @@ACCOUNT@@  # empty: the account that runs this
    $Kind = @@KIND@@  # administrator, standard or auto: look
    $Port = @@PORT@@
    $Lan = @(@@LAN@@)
    $Administrators = 'S-1-5-32-544'
    $System = 'S-1-5-18'
    $count = @{ Changed = 0 }
    function Write-Step([string] $Done, [string] $Already) {
        if ($Done) { $count.Changed += 1; Write-Host "changed  $Done" } else { Write-Host "already  $Already" }
    }
    # Pasted lines do not obey #Requires.
    $me = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($me)
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'Not elevated: nothing was changed. Open Windows PowerShell with "Run as administrator" and run this again.'
    }
    # Whose key it is, before anything is changed.
    $sid = $me.User
    if ($Account) { $sid = (New-Object Security.Principal.NTAccount($Account)).Translate([Security.Principal.SecurityIdentifier]) }
    $name = $sid.Translate([Security.Principal.NTAccount]).Value
    $session = [Diagnostics.Process]::GetCurrentProcess().SessionId
    $others = @(Get-Process -Name 'explorer' -IncludeUserName -ErrorAction SilentlyContinue |
        Where-Object { ($_.SessionId -eq $session) -and ($_.UserName -ne $me.Name) } | ForEach-Object { $_.UserName })
    if ($others -and -not $Account) {
        Write-Warning "This console was elevated with another account's password: $($others[0]) is logged on, and $name is let in."
        Write-Warning "If that is not meant, print the script anew: roosync-ops bootstrap windows --user NAME"
    }
    if ($sid.Value -like 'S-1-12-1-*') {
        throw "$name is a Microsoft Entra account, and OpenSSH for Windows lets none of those in by key (Win32-OpenSSH #1787): " +
            'nothing was changed. Name a local account: roosync-ops bootstrap windows --user NAME'
    }
    $profileKey = "HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\$sid"
    if (-not (Test-Path -LiteralPath $profileKey)) { throw "$name has no profile yet: nothing was changed. Log on once, then run this again." }
    $userFolder = (Get-ItemProperty -LiteralPath $profileKey).ProfileImagePath
    $group = (New-Object Security.Principal.SecurityIdentifier($Administrators)).Translate([Security.Principal.NTAccount]).Value.Split('\')[-1]
    if ($Kind -eq 'auto') {
        $Kind = if ($sid.Value -eq $me.User.Value) { 'administrator' } else { 'standard' }
        # By ADSI: the cmdlet for it fails on a member that is no more. What has no SID to read is not this account.
        foreach ($member in @(([ADSI]"WinNT://$env:COMPUTERNAME/$group,group").psbase.Invoke('Members'))) {
            try { $bytes = [byte[]]$member.GetType().InvokeMember('objectSid', 'GetProperty', $null, $member, $null) } catch { continue }
            if ((New-Object Security.Principal.SecurityIdentifier($bytes, 0)).Value -eq $sid.Value) { $Kind = 'administrator' }
        }
    }
    # 1. OpenSSH Server, however it came; Windows gets its own from Windows Update.
    $installed = ''
    if (-not (Get-Service -Name 'sshd' -ErrorAction SilentlyContinue)) {
        $capability = Get-WindowsCapability -Online -Name 'OpenSSH.Server*' | Select-Object -First 1
        if (-not $capability) { throw 'This Windows has no OpenSSH Server to add: it needs Windows 10 1809 or Server 2019.' }
        try { $added = Add-WindowsCapability -Online -Name $capability.Name } catch {
            throw "OpenSSH Server comes from Windows Update, which did not give it: $($_.Exception.Message)"
        }
        if ($added.RestartNeeded) { throw 'OpenSSH Server is installed and Windows must restart: then run this again.' }
        $installed = $capability.Name
    }
    Write-Step $installed 'OpenSSH Server is installed'
    # 2. The service; its first start writes sshd_config and the host keys.
    $folder = Join-Path $env:ProgramData 'ssh'
    # Newer ones end at once, and say nothing, where others than these may write (error 1067; Win32-OpenSSH #2282).
    function Show-Mending {
        foreach ($each in @($folder, (Join-Path $folder 'logs')) | Where-Object { Test-Path -LiteralPath $_ }) {
            $acl = Get-Acl -LiteralPath $each
            Write-Host "the access list of ${each}: $($acl.Sddl)"
            $may = @($System, $Administrators)
            $grants = @($may | ForEach-Object { "`"*${_}:(OI)(CI)F`"" })
            if ($each -eq $folder) { $may += 'S-1-5-11'; $grants += '"*S-1-5-11:(OI)(CI)RX"' }
            $strangers = @($acl.GetAccessRules($true, $true, [Security.Principal.SecurityIdentifier]) |
                ForEach-Object { $_.IdentityReference.Value } | Where-Object { $may -notcontains $_ } | Sort-Object -Unique)
            Write-Host 'to mend it:'
            $owner = $acl.GetOwner([Security.Principal.SecurityIdentifier]).Value
            if (@($System, $Administrators) -notcontains $owner) { Write-Host "  takeown /a /f `"$each`"" }
            Write-Host "  icacls `"$each`" /inheritance:r /grant:r $($grants -join ' ')"
            foreach ($stranger in $strangers) { Write-Host "  icacls `"$each`" /remove `"*$stranger`"" }
        }
    }
    function Use-Service([scriptblock] $Start) {
        $why = ''
        try { & $Start } catch { $why = ": $($_.Exception.Message)" }
        # It reports that it runs before it looks at its folders.
        Start-Sleep -Milliseconds 1500
        if ("$((Get-Service -Name 'sshd').Status)" -ne 'Running') {
            Show-Mending
            throw "The service sshd does not stay up$why. If it ended with error 1067, run the lines above as administrator, then this again."
        }
    }
    $set = @()
    $service = Get-Service -Name 'sshd'
    if ("$($service.StartType)" -ne 'Automatic') { Set-Service -Name 'sshd' -StartupType Automatic; $set += 'starts with Windows' }
    if ("$($service.Status)" -ne 'Running') { Use-Service { Start-Service -Name 'sshd' }; $set += 'started' }
    Write-Step ($set -join ', ') 'the service sshd runs, and starts with Windows'
    # 3. The port, ahead of every Match block; a configuration that sshd refuses is never put in place.
    $config = Join-Path $folder 'sshd_config'
    for ($i = 0; ($i -lt 50) -and -not (Test-Path -LiteralPath $config); $i++) { Start-Sleep -Milliseconds 200 }
    $program = (Get-CimInstance -ClassName Win32_Service -Filter "Name='sshd'").PathName -replace '^"?(.+?\.exe).*$', '$1'
    $info = (Get-Item -LiteralPath $program).VersionInfo
    $version = New-Object Version($info.FileMajorPart, $info.FileMinorPart)
    Write-Host "OpenSSH  $($info.FileVersion)"
    $lines = @([IO.File]::ReadAllLines($config))
    $ports = @($lines | Where-Object { $_ -match '^\s*Port\s' } | ForEach-Object { [int]($_ -replace '\D') })
    if (-not $ports) { $ports = @(22) }
    $moved = ''
    if ($ports -notcontains $Port) {
        $candidate = "$config.roosync"
        [IO.File]::WriteAllLines($candidate, [string[]](@("Port $Port") + $lines))
        & $program -t -f $candidate
        $refused = $LASTEXITCODE -ne 0
        if (-not $refused) { Copy-Item -LiteralPath $candidate -Destination $config -Force }
        Remove-Item -LiteralPath $candidate
        if ($refused) { throw "sshd refuses its configuration with port $Port; it was left as it was." }
        Use-Service { Restart-Service -Name 'sshd' }
        $moved = "sshd listens on port $Port"
    }
    Write-Step $moved "sshd listens on port $Port"
    # 4. The key. sshd takes administrators' keys from one file of their own, unless it was told otherwise.
    foreach ($limit in @($lines | Where-Object { ($Kind -eq 'standard') -and ($_ -match '^\s*(Allow|Deny)(Users|Groups)\s') })) {
        Write-Warning "sshd_config says who may log in; see that this account may: $($limit.Trim())"
    }
    $central = @($lines | Where-Object { $_ -match '^\s*AuthorizedKeysFile\s.*administrators_authorized_keys' }).Count -gt 0
    $files = @()
    if (($Kind -eq 'administrator') -and $central) { $files += Join-Path $folder 'administrators_authorized_keys' }
    # Before 8.6, sshd knows the group by its English name alone, and elsewhere takes the account's own file (#1596, #1757).
    if (-not $files -or (($version -lt [version]'8.6') -and ($group -ne 'Administrators'))) {
        $files += Join-Path $userFolder '.ssh\authorized_keys'
        [void](New-Item -ItemType Directory -Force -Path (Split-Path -Parent $files[-1]))
    }
    foreach ($file in $files) {
        $bytes = [byte[]]@()
        if (Test-Path -LiteralPath $file) { $bytes = [IO.File]::ReadAllBytes($file) }
        # What PowerShell's > writes is UTF-16, which sshd cannot read; a byte order mark costs it the first key.
        $encoding = if ($bytes -notcontains 0) { 'utf-8' } elseif (@(0, 0xFE) -contains $bytes[0]) { 'utf-16BE' } else { 'utf-16' }
        $told = [Text.Encoding]::GetEncoding($encoding).GetString($bytes)
        $known = @($told.TrimStart([char]0xFEFF) -split '\r?\n' | Where-Object { $_.Trim() })
        $written = @()
        if (($bytes -contains 0) -or $told.StartsWith([string][char]0xFEFF, [StringComparison]::Ordinal)) {
            $written += "$file was in UTF-16 or had a byte order mark, which sshd cannot read: it is plain text now"
        }
        $blob = $Key.Split(' ')[1]
        if (-not ($known | Where-Object { $_.Split(' ') -ccontains $blob })) { $known += $Key; $written += "the key is in $file" }
        if ($written) { [IO.File]::WriteAllText($file, ($known -join "`n") + "`n") }
        Write-Step ($written -join '; ') "the key is in $file"
        # 5. Nobody else may write there, or sshd ignores the file. By SID: groups have other names in other languages.
        $allowed = @($System, $Administrators)
        if ($file.StartsWith($userFolder, [StringComparison]::OrdinalIgnoreCase)) { $allowed += $sid.Value }
        function Test-Locked {
            $acl = Get-Acl -LiteralPath $file
            $rules = $acl.GetAccessRules($true, $true, [Security.Principal.SecurityIdentifier])
            $found = @($rules | ForEach-Object { "$($_.IdentityReference) $($_.AccessControlType) $($_.FileSystemRights)" } | Sort-Object)
            $wanted = @($allowed | ForEach-Object { "$_ Allow FullControl" } | Sort-Object)
            $acl.AreAccessRulesProtected -and ("$found" -eq "$wanted")
        }
        $locked = ''
        if (-not (Test-Locked)) {
            # The list alone: the cmdlet for it writes the owner too, which takes a privilege that not every console has.
            $acl = New-Object Security.AccessControl.FileSecurity
            $entries = ($allowed | ForEach-Object { "(A;;FA;;;$_)" }) -join ''
            $acl.SetSecurityDescriptorSddlForm("D:P$entries", [Security.AccessControl.AccessControlSections]::Access)
            # The first is PowerShell 7's, the second Windows PowerShell's.
            $writer = 'IO.FileSystemAclExtensions' -as [type]
            if ($writer) { $writer::SetAccessControl((Get-Item -LiteralPath $file -Force), $acl) } else { [IO.File]::SetAccessControl($file, $acl) }
            if (-not (Test-Locked)) { throw "The access list of $file could not be set: sshd will ignore it." }
            $locked = "the access list of $file"
        }
        Write-Step $locked "the access list of $file"
    }
    # 6. The firewall: the one rule that Windows makes, which is open to every address until it is told otherwise.
    $rule = Get-NetFirewallRule -Name 'OpenSSH-Server-In-TCP' -ErrorAction SilentlyContinue
    $from = "port $Port is open to $($Lan -join ', ') alone"
    $opened = ''
    if (-not $rule) {
        [void](New-NetFirewallRule -Name 'OpenSSH-Server-In-TCP' -DisplayName 'OpenSSH SSH Server (sshd)' -Direction Inbound `
            -Action Allow -Protocol TCP -LocalPort $Port -RemoteAddress $Lan -Program $program)
        $opened = $from
    } else {
        $addresses = @(($rule | Get-NetFirewallAddressFilter).RemoteAddress | Sort-Object)
        $openPorts = @(($rule | Get-NetFirewallPortFilter).LocalPort)
        $same = ("$addresses" -eq "$(@($Lan | Sort-Object))") -and ("$openPorts" -eq "$Port")
        if (-not ($same -and ("$($rule.Enabled)" -eq 'True') -and ("$($rule.Action)" -eq 'Allow'))) {
            Set-NetFirewallRule -Name 'OpenSSH-Server-In-TCP' -Enabled True -Action Allow -Protocol TCP -LocalPort $Port -RemoteAddress $Lan
            $opened = $from
        }
    }
    Write-Step $opened $from
    $others = @(Get-NetFirewallPortFilter -Protocol TCP | Where-Object { @($_.LocalPort) -contains "$Port" } | Get-NetFirewallRule |
        Where-Object { ("$($_.Enabled) $($_.Direction) $($_.Action)" -eq 'True Inbound Allow') -and ($_.Name -ne 'OpenSSH-Server-In-TCP') })
    foreach ($other in $others) { Write-Warning "Another rule opens port $Port as well, and was left alone: $($other.DisplayName)" }
    $profiles = "$((Get-NetFirewallRule -Name 'OpenSSH-Server-In-TCP').Profile)"
    foreach ($network in @(Get-NetConnectionProfile -ErrorAction SilentlyContinue)) {
        if (("$($network.NetworkCategory)" -eq 'Public') -and ($profiles -notmatch 'Any|Public')) {
            Write-Warning "The network $($network.Name) is Public for Windows, where the rule ($profiles) lets nobody in."
            Write-Warning "If it is your LAN: Set-NetConnectionProfile -InterfaceIndex $($network.InterfaceIndex) -NetworkCategory Private"
        }
    }
    # 7. What the admin machine needs to know.
    Write-Host $(if ($count.Changed) { "$($count.Changed) changed." } else { 'Nothing was to be done.' })
    Write-Host "`nCompare at the first connection; the host keys of this machine are:"
    foreach ($public in @(Get-ChildItem -Path (Join-Path $folder 'ssh_host_*_key.pub'))) {
        & (Join-Path (Split-Path -Parent $program) 'ssh-keygen.exe') -l -f $public.FullName
    }
    $own = "$env:COMPUTERNAME\"
    if ($name.StartsWith($own, [StringComparison]::OrdinalIgnoreCase)) { $name = $name.Substring($own.Length) }
    $id = $env:COMPUTERNAME.ToLowerInvariant()
    $at = if ($Port -ne 22) { ", port=$Port" } else { '' }
    Write-Host "`nThe line for inventory.py:"
    "machine(`"$id`", system=`"windows`", user=`"$($name.Replace('\', '\\'))`", host=`"$id.local`"$at),"
}
