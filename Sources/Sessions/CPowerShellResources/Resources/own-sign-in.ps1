# Functions that replace the cmdlets with which scripts sign in and manage their modules, in a session that is already signed
# in. The driver sends one table with the parameters that they bind and the sign-ins of other connections; its words are the same
# wherever a script runs.
param($Facts)
if (Get-Variable -Name __mm_sign_in -Scope Global -ErrorAction Ignore) { return }
New-Variable -Name __mm_sign_in -Scope Global -Option Constant -Value $Facts

# Reads the arguments of a call by role: a simple function gets them as written, with `-Name:` and its value one after the other.
function global:__mm_read_sign_in($Known, $Given) {
    $facts = $global:__mm_sign_in
    $said = [System.Collections.Generic.List[object]]::new()
    $waits = $false
    foreach ($one in $Given) {
        if ($one -is [string] -and $one -match '^-([A-Za-z]\w*)(:?)$') {
            $name = $Matches[1].ToLowerInvariant(); $isTied = $Matches[2] -eq ':'
            $role = $null
            if ($Known.roles.Contains($name)) { $role = $Known.roles[$name] }
            elseif ($name -ne 'environment' -and $facts.switches -notcontains $name) {
                $begun = @($Known.roles.Keys | Where-Object { $_.StartsWith($name) } | ForEach-Object { $Known.roles[$_] } | Select-Object -Unique)
                if ($begun.Count -eq 1 -or ($begun.Count -gt 1 -and -not ($begun | Where-Object { $facts.plain -contains $_ }))) { $role = $begun[0] }
            }
            $said.Add(@{ name = $name; role = $role; value = $true })
            $waits = $isTied -or $facts.switches -notcontains $name
        }
        else {
            if ($waits) { $said[$said.Count - 1].value = $one } else { $said.Add(@{ name = $null; role = $Known.positional; value = $one }) }
            $waits = $false
        }
    }
    , $said
}

# Returns whether a value belongs to an identity; nothing if that isn't known.
function global:__mm_match_sign_in($Identity, $Role, $Value) {
    $isId = $Value -match '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    switch ($Role) {
        'tenant' {
            if ($Value -in 'common', 'organizations') { return $true }
            $ids = @($Identity.tenants | Where-Object { $_ -match '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' })
            if ($isId -and -not $ids.Count) { return }
            if (-not $isId -and $ids.Count -eq @($Identity.tenants).Count) { return }
            return @($Identity.tenants) -contains $Value
        }
        'account' {
            if (-not @($Identity.accounts).Count) { return }
            if ($isId -and -not (@($Identity.accounts) -match '^[0-9a-fA-F]{8}-')) { return }
            return @($Identity.accounts) -contains $Value
        }
        'app' { if (@($Identity.apps).Count) { return @($Identity.apps) -contains $Value } else { return } }
        'site' {
            if (-not $Identity.site) { return }
            $parts = ($Value -replace '^https?://' -replace '[/:?].*$').Split('.')
            if ($parts.Count -lt 3 -or $parts[1] -notin 'sharepoint', 'sharepoint-mil') { return }
            return $parts[0] -in $Identity.site, "$($Identity.site)-admin", "$($Identity.site)-my"
        }
    }
}

# Throws an error with the guard's words if a sign-in is for another identity.
function global:__mm_check_sign_in($Cmdlet, $Said) {
    $facts = $global:__mm_sign_in; $own = $facts.own
    $wanted = @(); $credentials = @()
    foreach ($one in $Said) {
        if (-not $one.role -or $null -eq $one.value -or $one.value -eq $false -or "$($one.value)" -eq '') { continue }
        if ($facts.plain -notcontains $one.role) { if ($credentials -notcontains $one.role) { $credentials += $one.role } }
        elseif ($one.role -in 'tenant', 'account', 'app', 'site', 'prefix' -and $one.value -isnot [bool]) { $wanted += @{ role = $one.role; text = "$($one.value)" } }
    }
    $prefix = $wanted | Where-Object { $_.role -eq 'prefix' } | Select-Object -First 1
    if ($prefix) { throw "$Cmdlet gives the cmdlets the prefix $($prefix.text), which a session's don't have. Leave it out, and out of their names." }
    $strange = @($wanted | Where-Object { (__mm_match_sign_in $own $_.role $_.text) -eq $false })
    $isOwnApp = $own.isApp -and -not $strange.Count -and @($wanted | Where-Object { $_.role -eq 'app' -and (__mm_match_sign_in $own 'app' $_.text) }).Count
    if ($isOwnApp) { $credentials = @() }
    if (-not $strange.Count -and -not $credentials.Count) { return }
    $fitting = $null
    foreach ($other in $facts.others) {
        if ($credentials.Count -and -not $other.isApp) { continue }
        $fits = @(foreach ($one in $wanted) { $is = __mm_match_sign_in $other $one.role $one.text; if ($null -ne $is) { $is } })
        if ($fits -contains $false) { continue }
        $isOfTenant = $credentials.Count -and -not $strange.Count -and @($other.tenants | Where-Object { __mm_match_sign_in $own 'tenant' $_ }).Count
        if ($fits -contains $true -or $isOfTenant) { $fitting = $other.connection; break }
    }
    $words = @($strange | ForEach-Object { "the $($_.role) $($_.text)" }) + $credentials
    $list = if ($words.Count -gt 1) { ($words[0..($words.Count - 2)] -join ', ') + ' and ' + $words[-1] } else { "$($words[0])" }
    $instead = if ($fitting) { "The connection $fitting would do." } else { 'Leave it out to go on as this connection, or make one for it: mm connections add.' }
    throw "$Cmdlet asks for $list, and this is the connection $($own.connection). $instead"
}

# Returns what is known of a module: 'present', a sentence about its successor, or nothing.
function global:__mm_find_package($Name) {
    $facts = $global:__mm_sign_in
    $plain = "$Name".ToLowerInvariant().TrimEnd('*')
    if (-not $plain) { return 'present' }
    foreach ($one in $facts.retired) { if ($plain -eq $one.name -or $plain.StartsWith($one.name + '.')) { return $one.successor } }
    if ($plain -match '^(microsoft\.graph(\..+)?|az\..+)$' -or $facts.packages -contains $plain) { return 'present' }
}
# Returns the session in which a module's cmdlets run; nothing for a module of no service.
function global:__mm_find_session($Name) {
    $plain = "$Name".ToLowerInvariant().TrimEnd('*')
    if ($global:__mm_sign_in.sessions.Contains($plain)) { return $global:__mm_sign_in.sessions[$plain] }
    if ($plain -match '^microsoft\.graph(\..+)?$') { return 'graph' }
    if ($plain -match '^az\..+$') { return 'azure' }
}
function global:__mm_show_context {
    $facts = $global:__mm_sign_in
    [pscustomobject]@{ ClientId = @($facts.own.apps)[0]; TenantId = @($facts.own.tenants)[0]; Scopes = @(); AuthType = if ($facts.own.isApp) { 'AppOnly' } else { 'Delegated' }; Account = @($facts.own.accounts)[0]; ContextScope = 'Process'; Environment = 'Global' }
}
function global:__mm_show_package($Name) {
    $facts = $global:__mm_sign_in
    $plain = "$Name".TrimEnd('*')
    if ($plain -eq '' -or (__mm_find_package $Name) -ne 'present') { return }
    $version = if ($facts.versions.Contains($plain.ToLowerInvariant())) { $facts.versions[$plain.ToLowerInvariant()] } else { '1.0.0' }
    [pscustomobject]@{ Name = $plain; Version = [version]$version; ModuleType = 'Script'; Path = $null; Repository = 'PSGallery' }
}

function global:__mm_sign_in_as($Cmdlet, $Given, $Written) {
    Set-StrictMode -Off   # otherwise a script's own setting would apply here too
    $facts = $global:__mm_sign_in
    $known = $facts.cmdlets[$Cmdlet.ToLowerInvariant()]
    $said = __mm_read_sign_in $known $Given
    $names = @($said | Where-Object { $_.role -eq 'name' } | ForEach-Object { $_.value } | Where-Object { $_ -is [string] })
    # The arguments for the original cmdlet. Splatting a list doesn't tie a value to a switch: -Verbose:$false.
    $rest = @(); $tied = @{}; $waits = $null
    foreach ($one in $Given) {
        if ($waits) { $tied[$waits] = $one; $waits = $null }
        elseif ($one -is [string] -and $one -match '^-([A-Za-z]\w*):$') { $waits = $Matches[1] }
        else { $rest += , $one }
    }
    if ($known.act -in 'load', 'list') {
        # A module's own file uses the original cmdlet, in that module's scope.
        $caller = (Get-PSCallStack)[2]
        if ($caller.ScriptName) {
            $forward = { param($Command, $Rest, $Tied) if ($Command -eq 'Get-Module') { Microsoft.PowerShell.Core\Get-Module @Rest @Tied } else { Microsoft.PowerShell.Core\Import-Module @Rest @Tied } }
            $module = $caller.InvocationInfo.MyCommand.Module
            if ($module) { & $module $forward $known.name $rest $tied } else { & $forward $known.name $rest $tied }
            return
        }
    }
    switch ($known.act) {
        'connect' {
            __mm_check_sign_in $Written $said
            $scopes = @($said | Where-Object { $_.role -eq 'scopes' } | ForEach-Object { $_.value })
            if ($scopes.Count -and $facts.module -eq 'graph') {
                $has = @((Microsoft.Graph.Authentication\Get-MgContext -ErrorAction Ignore).Scopes)
                $lacking = @($scopes | Where-Object {
                        $plain = ("$_" -split '/')[-1].ToLowerInvariant()
                        $plain -and $plain -notin 'openid', 'profile', 'email', 'offline_access', '.default' -and $has -notcontains $plain -and
                        -not ($plain -match '^([^.]+)\.read(\..*)?$' -and $has -contains "$($Matches[1]).readwrite$($Matches[2])")
                    })
                if ($lacking.Count) { Write-Warning "The sign-in of $($facts.own.connection) lacks what the script asks for: $($lacking -join ', ')." }
            }
            if ($known.module -ne $facts.module) { return }
            $flags = @($said | Where-Object { $_.value -is [bool] -and $_.value } | ForEach-Object { $_.name })
            switch ($facts.module) {
                'azure' {
                    $subscription = $said | Where-Object { $_.role -eq 'subscription' -and $_.value -isnot [bool] } | Select-Object -First 1
                    if ($subscription) { $null = Az.Accounts\Set-AzContext -Subscription "$($subscription.value)" -ErrorAction Stop }
                    [pscustomobject]@{ Context = Az.Accounts\Get-AzContext }
                }
                'teams' { [pscustomobject]@{ Account = @($facts.own.accounts)[0]; Environment = 'AzureCloud'; Tenant = @($facts.own.tenants)[0]; TenantId = @($facts.own.tenants)[0] } }
                'pnp' {
                    $site = $said | Where-Object { $_.role -eq 'site' -and $_.value -isnot [bool] } | Select-Object -First 1
                    $now = PnP.PowerShell\Get-PnPConnection -ErrorAction Ignore
                    if ($site -and $now -and "$($now.Url)".TrimEnd('/') -ne "$($site.value)".TrimEnd('/')) {
                        PnP.PowerShell\Connect-PnPOnline -Url "$($site.value)" -AccessToken (PnP.PowerShell\Get-PnPAccessToken -ErrorAction Stop) -ErrorAction Stop
                    }
                    if ($flags -contains 'returnconnection') { PnP.PowerShell\Get-PnPConnection }
                }
            }
        }
        # Graph's gives the context that it leaves.
        'disconnect' { if ($known.name -eq 'Disconnect-MgGraph') { __mm_show_context } }
        'retired' { throw "$($known.successor) Nothing was signed in." }
        'context' { __mm_show_context }
        'information' { [pscustomobject]@{ ConnectionId = [guid]::Empty; State = 'Connected'; Id = 1; Name = 'ExchangeOnline_1'; UserPrincipalName = @($facts.own.accounts)[0]; TokenStatus = 'Active'; TenantID = @($facts.own.tenants)[0] } }
        'list' {
            $found = @(Microsoft.PowerShell.Core\Get-Module @rest @tied)
            $found
            # A module that this program provides counts as installed, whether or not it is.
            if (@($said | Where-Object { $_.name -and 'listavailable'.StartsWith($_.name) -and $_.value }).Count) {
                foreach ($name in $names) { if (-not @($found | Where-Object Name -Like $name).Count) { __mm_show_package $name } }
            }
        }
        { $_ -in 'listInstalled', 'find' } { foreach ($name in $names) { __mm_show_package $name } }
        'load' {
            foreach ($name in $names) { $standing = __mm_find_package $name; if ($standing -and $standing -ne 'present') { throw "$standing Nothing was loaded." } }
            # A module that this program provides needn't be installed, and a module of another session is only loaded there.
            $own = @($names | Where-Object { $session = __mm_find_session $_; -not $session -or $session -eq $facts.module })
            $real = @($own | Where-Object { (__mm_find_package $_) -ne 'present' -or @(Microsoft.PowerShell.Core\Get-Module -Name $_ -ListAvailable -ErrorAction Ignore).Count })
            # A module of the session that is loaded anew loses its sign-in.
            if (@($real | Where-Object { (__mm_find_session $_) -eq $facts.module }).Count) {
                $force = 'fo(r|rc|rce)?$'
                $rest = @($rest | Where-Object { "$_" -notmatch "^-$force" })
                foreach ($name in @($tied.Keys) -match "^$force") { $tied.Remove($name) }
            }
            if ($real.Count -eq $names.Count) { Microsoft.PowerShell.Core\Import-Module @rest @tied }
            elseif ($real.Count) { Microsoft.PowerShell.Core\Import-Module -Name $real }
        }
        'install' {
            foreach ($name in $names) {
                $standing = __mm_find_package $name
                if ($standing -eq 'present' -or @(Microsoft.PowerShell.Core\Get-Module -Name $name -ListAvailable -ErrorAction Ignore).Count) { continue }
                if ($standing) { throw "$standing Nothing was loaded." }
                throw "The module $name is not installed here, and a script installs nothing: a person does it with pwsh -NoProfile -Command `"Install-PSResource -Name $name -Scope CurrentUser`"."
            }
        }
        'remove' {
            foreach ($name in $names) {
                if (__mm_find_package $name) { continue }
                if ($Cmdlet -in 'remove-module', 'rmo') { Microsoft.PowerShell.Core\Remove-Module @rest @tied; return }
                throw "A script removes no modules: $name stays."
            }
        }
        'prepare' { if ($Cmdlet -like 'Get-*') { [pscustomobject]@{ Name = if ($names.Count) { $names[0] } else { 'PSGallery' }; InstallationPolicy = 'Trusted'; Version = [version]'2.8.5.208' } } }
        { $_ -in 'policy', 'tune' } { }
    }
}

foreach ($name in $Facts.cmdlets.Keys) {
    $known = $Facts.cmdlets[$name]
    # The session's own module reports its own state.
    if ($known.act -in 'context', 'information' -and $known.module -eq $Facts.module) { continue }
    $body = "__mm_sign_in_as '$name' `$args `$MyInvocation.InvocationName"
    if ($known.act -in 'load', 'list') { $body = "if (`$MyInvocation.ExpectingInput) { `$input | Microsoft.PowerShell.Core\$($known.name) @args } else { $body }" }
    Set-Item -Path "function:global:$name" -Value ([scriptblock]::Create($body))
}
