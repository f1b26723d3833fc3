# Functions with the names of cmdlets that run in another module's session. Each calls its cmdlet through this session's proxy, where
# the call is judged by what it does there, and emits the results: objects as remote sessions return them, with the properties
# and type names of the originals.
if (-not (Get-Variable -Name __mm_elsewhere -Scope Global -ErrorAction Ignore)) {
    $proxy = [uri]$env:HTTPS_PROXY
    $handler = [System.Net.Http.SocketsHttpHandler]::new()
    $handler.UseProxy = $false
    $client = [System.Net.Http.HttpClient]::new($handler)
    $client.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
    New-Variable -Name __mm_elsewhere -Scope Global -Option Constant -Value @{
        Client = $client; Address = "http://127.0.0.1:$($proxy.Port)/session/cmdlets"
        Secret = 'Basic ' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([uri]::UnescapeDataString($proxy.UserInfo)))
    }
}

# Converts a value by its type for another session, where it becomes part of a call's text.
function global:__mm_pack($Value, [int] $Depth) {
    Set-StrictMode -Off   # otherwise a script's own setting would apply here too
    if ($null -eq $Value) { return @{ t = 'null' } }
    $base = $Value.PSObject.BaseObject   # not from a statement, which would enumerate a list
    if ($base -is [string]) { return @{ t = 'text'; v = "$base" } }
    if ($base -is [bool]) { return @{ t = 'bool'; v = $base } }
    if ($base -is [switch]) { return @{ t = 'bool'; v = [bool]$base } }
    if ($base -is [securestring] -or $base -is [pscredential]) { throw 'A secret does not leave its session: a cmdlet of another module gets none as an argument.' }
    if ($base -is [datetime] -or $base -is [datetimeoffset]) { return @{ t = 'date'; v = $base.ToString('o', [cultureinfo]::InvariantCulture) } }
    if ($base -is [timespan]) { return @{ t = 'span'; v = $base.ToString('c') } }
    if ($base -is [scriptblock]) { return @{ t = 'block'; v = $base.ToString() } }
    if ($base -is [byte[]]) { return @{ t = 'bytes'; v = [Convert]::ToBase64String($base) } }
    if ($base -is [enum] -or $base -is [char] -or $base -is [guid] -or $base -is [version] -or $base -is [uri]) { return @{ t = 'text'; v = "$base" } }
    if ($base -is [ValueType] -and $base -is [IConvertible]) { return @{ t = 'number'; v = [Convert]::ToString($base, [cultureinfo]::InvariantCulture) } }
    if ($Depth -le 0) { return @{ t = 'text'; v = "$Value" } }
    if ($base -is [System.Collections.IDictionary]) {
        return @{ t = 'map'; v = @(foreach ($key in @($base.Keys)) { @{ k = "$key"; v = (__mm_pack $base[$key] ($Depth - 1)) } }) }
    }
    if ($base -is [System.Collections.IEnumerable]) { return @{ t = 'list'; v = @(foreach ($one in $base) { __mm_pack $one ($Depth - 1) }) } }
    $members = foreach ($property in $Value.PSObject.Properties) {
        if (-not $property.IsGettable) { continue }
        $held = $null
        try { $held = $property.Value } catch { }
        if ($held -is [securestring] -or $held -is [pscredential]) { continue }
        @{ k = $property.Name; v = (__mm_pack $held ($Depth - 1)) }
    }
    @{ t = 'object'; v = @($members) }
}

# Calls a cmdlet in its module's session. The caller emits its output and its messages.
function global:__mm_call_elsewhere($Caller, [string] $Cmdlet, $Given, $Bound, $Piped) {
    Set-StrictMode -Off
    $wire = $global:__mm_elsewhere
    # PowerShell collects the arguments in a List. If the only argument is itself a list, $Given is that list, as if its items had been given.
    if ($null -ne $Given -and $Given -isnot [System.Collections.Generic.List[object]]) { $Given = , $Given }
    $arguments = @(
        foreach ($one in $Given) {
            if ($one -is [string] -and $one -match '^-([A-Za-z]\w*)(:?)$') { @{ name = $Matches[1]; tied = $Matches[2] -eq ':' } }
            else { @{ value = (__mm_pack $one 5) } }
        }
        if ($WhatIfPreference) { @{ name = 'WhatIf'; tied = $false } }
        if ($Bound.ContainsKey('Confirm')) { @{ name = 'Confirm'; tied = $true }; @{ value = (__mm_pack ([bool]$Bound['Confirm']) 1) } }
    )
    $body = @{ cmdlet = $Cmdlet; arguments = $arguments }
    if ($null -ne $Piped) { $body.input = @(foreach ($one in $Piped) { __mm_pack $one 2 }) }
    $json = Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $body -Depth 40 -Compress -WarningAction Ignore
    $request = [System.Net.Http.HttpRequestMessage]::new([System.Net.Http.HttpMethod]::Post, [uri]$wire.Address)
    $request.Content = [System.Net.Http.StringContent]::new($json, [Text.Encoding]::UTF8, 'application/json')
    $null = $request.Headers.TryAddWithoutValidation('Authorization', $wire.Secret)
    $answer = $null
    $text = try {
        $answer = $wire.Client.Send($request)
        $answer.Content.ReadAsStringAsync().GetAwaiter().GetResult()
    }
    catch { throw "$Cmdlet could not be called in the session of its module: $($_.Exception.GetBaseException().Message)" }
    if (-not $answer.IsSuccessStatusCode) { throw "$Cmdlet could not be called in the session of its module: $text" }
    foreach ($line in $text.Split("`n")) {
        if (-not $line) { continue }
        $frame = Microsoft.PowerShell.Utility\ConvertFrom-Json -InputObject $line -Depth 100
        switch ($frame.t) {
            'object' { $Caller.WriteObject([System.Management.Automation.PSSerializer]::Deserialize($frame.v), $false) }
            'value' { $Caller.WriteObject($frame.v, $false) }
            'warning' { $Caller.WriteWarning("$($frame.v)") }
            'information' { $Caller.WriteInformation("$($frame.v)", [string[]]@('PSHOST')) }
            default {
                $category = try { [System.Management.Automation.ErrorCategory]"$($frame.category)" } catch { [System.Management.Automation.ErrorCategory]::NotSpecified }
                $id = "$($frame.id)".Split(',')[0]
                if (-not $id) { $id = 'CalledElsewhere' }
                $record = [System.Management.Automation.ErrorRecord]::new([System.Exception]::new("$($frame.message)"), $id, $category, $frame.target)
                if ($frame.t -eq 'failure') { $Caller.ThrowTerminatingError($record) } else { $Caller.WriteError($record) }
            }
        }
    }
}

# Piped objects are sent in batches, so that a long pipeline streams.
foreach ($name in $Names) {
    if (-not $name.StartsWith('elsewhere ')) { continue }
    $cmdlet = $name.Substring(10)
    Set-Item -Path "function:global:$cmdlet" -Value ([scriptblock]::Create(@"
[CmdletBinding(SupportsShouldProcess = `$true, PositionalBinding = `$false)]
param([Parameter(ValueFromRemainingArguments = `$true)] `$__mm_given, [Parameter(ValueFromPipeline = `$true)] [AllowNull()] `$__mm_input)
begin { `$__mm_piped = [System.Collections.Generic.List[object]]::new() }
process {
    if (-not `$MyInvocation.ExpectingInput) { return }
    `$__mm_piped.Add(`$__mm_input)
    if (`$__mm_piped.Count -lt 100) { return }
    __mm_call_elsewhere `$PSCmdlet '$cmdlet' `$__mm_given `$PSBoundParameters `$__mm_piped.ToArray()
    `$__mm_piped.Clear()
}
end {
    if (-not `$MyInvocation.ExpectingInput) { __mm_call_elsewhere `$PSCmdlet '$cmdlet' `$__mm_given `$PSBoundParameters `$null }
    elseif (`$__mm_piped.Count) { __mm_call_elsewhere `$PSCmdlet '$cmdlet' `$__mm_given `$PSBoundParameters `$__mm_piped.ToArray() }
}
"@))
}
