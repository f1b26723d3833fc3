# The PowerShell side of one session. It reads requests (one JSON object a line) from a port of this machine, runs each
# script in a second runspace, and sends records as they come. Only the loop at the end writes to the socket.
$ErrorActionPreference = 'Stop'
$port = [int]$env:MM_WIRE; $nonce = $env:MM_NONCE; $modules = $env:MM_MODULES
foreach ($name in 'MM_WIRE', 'MM_NONCE', 'MM_MODULES') { [Environment]::SetEnvironmentVariable($name, $null) }
$socket = [Net.Sockets.Socket]::new([Net.Sockets.AddressFamily]::InterNetwork, [Net.Sockets.SocketType]::Stream, [Net.Sockets.ProtocolType]::Tcp)
$socket.NoDelay = $true
$socket.Connect([Net.IPEndPoint]::new([Net.IPAddress]::Loopback, $port))
$stream = [Net.Sockets.NetworkStream]::new($socket, $true)
$utf8 = [Text.UTF8Encoding]::new($false)
$reader = [IO.StreamReader]::new($stream, $utf8, $false, 65536)
$writer = [IO.StreamWriter]::new($stream, $utf8, 65536)
$writer.NewLine = "`n"
$null = ConvertTo-Json 1   # loads the assembly that holds JsonObject
$contextType = [Microsoft.PowerShell.Commands.JsonObject+ConvertToJsonContext]
$frameContext = [ref]$contextType::new(8, $true, $true)
function Send($frame) { $writer.WriteLine([Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($frame, $frameContext)); $writer.Flush() }

# Last command of every pipeline: turns each record into one line of JSON, in the user's runspace.
$sink = {
    param($Lines, $Context, $Id, $Width, [switch] $AsText, [Parameter(ValueFromPipeline)][AllowNull()] $InputObject)
    begin {
        $json = [ref]$Context
        $head = '","id":' + $Id + ',"v":'
        $formatter = $null   # formats objects as a console would; started at the first object that needs it
    }
    process {
        $kind = 'out'; $line = $null
        try {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $kind = 'error'
                $target = "$($_.TargetObject)"; $source = "$($_.InvocationInfo.Line)"   # a script may be one line of megabytes
                if ($target.Length -gt 1000) { $target = $target.Substring(0, 1000) }
                if ($source.Length -gt 1000) { $source = $source.Substring(0, 1000) }
                $body = [ordered]@{ message = "$_"; id = $_.FullyQualifiedErrorId; category = "$($_.CategoryInfo.Category)"; target = $target; type = $_.Exception.GetType().FullName; line = $_.InvocationInfo.ScriptLineNumber; column = $_.InvocationInfo.OffsetInLine; text = $source }
                if ($_.InvocationInfo.ScriptName) { $body['file'] = "$($_.InvocationInfo.ScriptName)" }   # the line is one of a module's file
            }
            elseif ($_ -is [System.Management.Automation.InformationRecord]) {
                $kind = 'information'
                $body = [ordered]@{ message = "$($_.MessageData)"; tags = @($_.Tags) }
                if ($_.MessageData -is [System.Management.Automation.HostInformationMessage] -and $_.MessageData.NoNewLine) { $body['noNewline'] = $true }
            }
            elseif ($_ -is [System.Management.Automation.InformationalRecord]) { $kind = ($_.GetType().Name -replace 'Record$').ToLowerInvariant(); $body = $_.Message }
            elseif ($AsText -or ($null -ne $_ -and $_.GetType().FullName.StartsWith('Microsoft.PowerShell.Commands.Internal.Format.'))) {
                if ($null -eq $formatter) {
                    $formatter = { Out-String -Stream -Width $Width }.GetSteppablePipeline()
                    $formatter.Begin($true)
                }
                foreach ($text in $formatter.Process($_)) { $Lines.Add('{"t":"text' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($text, $json) + '}') }
                return
            }
            elseif ($_ -is [System.Xml.XmlNode]) { $body = $_.OuterXml }
            else { $body = $_ }
            $line = '{"t":"' + $kind + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
        }
        catch {
            try {
                # An error that can't be described, as one without a place under strict mode, still counts as an error.
                if ($kind -eq 'error') { $body = @{ message = "$InputObject" } }
                else { $kind = 'text'; $body = ($InputObject | Out-String -Width $Width).TrimEnd() }
                $line = '{"t":"' + $kind + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
            }
            catch {
                # Neither form was possible, usually for want of memory: the value is lost, and its caller is told.
                $body = $null
                $type = if ($null -eq $InputObject) { 'null' } else { $InputObject.GetType().FullName }
                $cause = $_.Exception.GetBaseException()
                $body = [ordered]@{ message = "A value of the type $type could not be sent and is missing: $($cause.Message) Ask for less at once, or write it to a file."; id = 'ValueNotSent'; category = 'LimitsExceeded'; target = $type; type = $cause.GetType().FullName }
                $line = '{"t":"error' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
            }
        }
        $Lines.Add($line)
    }
    end {
        if ($formatter) { foreach ($text in $formatter.End()) { $Lines.Add('{"t":"text' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($text, $json) + '}') } }
    }
}

$state = [initialsessionstate]::CreateDefault2()
$state.Commands.Add([System.Management.Automation.Runspaces.SessionStateFunctionEntry]::new('__mm_sink', $sink.ToString(), 'Constant'))
$runspace = [runspacefactory]::CreateRunspace($Host, $state)
$runspace.ThreadOptions = 'ReuseThread'
$runspace.Open()
# Every runspace that opens later, as those of -Parallel, puts folders in front of it for the whole process.
$modulePath = if ($modules) { $modules + [IO.Path]::PathSeparator + $PSHOME + '/Modules' } else { $env:PSModulePath }
$env:PSModulePath = $modulePath
# There is no screen, and the program that would clear it ends with a code that looks like a failure.
$shell = [powershell]::Create(); $shell.Runspace = $runspace
try { $null = $shell.AddScript('function global:Clear-Host { }').Invoke() } catch { }
$shell.Dispose(); $shell = $null
$preferences = @{}
foreach ($name in 'ConfirmPreference', 'DebugPreference', 'ErrorActionPreference', 'ErrorView', 'InformationPreference', 'ProgressPreference', 'PSNativeCommandUseErrorActionPreference', 'VerbosePreference', 'WarningPreference', 'WhatIfPreference') {
    $value = $runspace.SessionStateProxy.GetVariable($name)
    if ($null -ne $value) { $preferences[$name] = $value }
}
$rendering = [System.Management.Automation.PSStyle]::Instance.OutputRendering
$isConstrained = $false
# A module loads with the first of its commands, and one that loads in constrained language doesn't work there: what a script
# names is loaded before it, in full language, by a text of the driver's. Only that and the modules' own code run meanwhile.
$loaded = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
$loading = $null; $isStopAsked = $false
$noInput = [System.Management.Automation.PSDataCollection[psobject]]::new(); $noInput.Complete()
$lines = [Collections.Concurrent.BlockingCollection[string]]::new(4096)

# One round takes more than the queue holds, so that the last round empties it, and ends even while a flood goes on, so
# that a stop is read.
function Flush-Lines {
    $line = $null
    for ($count = 0; $count -lt 8192 -and $lines.TryTake([ref]$line); $count++) { $writer.WriteLine($line) }
    $writer.Flush()
}
function Get-Failure($reason) {
    $record = if ($reason -is [System.Management.Automation.RuntimeException]) { $reason.ErrorRecord }
    $failure = [ordered]@{ message = $reason.Message; type = $reason.GetType().FullName; id = $record.FullyQualifiedErrorId; line = $record.InvocationInfo.ScriptLineNumber; column = $record.InvocationInfo.OffsetInLine }
    if ($record.InvocationInfo.ScriptName) { $failure['file'] = "$($record.InvocationInfo.ScriptName)" }
    $failure
}
function Send-Pulse($id) { Send ([ordered]@{ t = 'pong'; id = $id; busy = [bool]$task; workingSet = [Environment]::WorkingSet; heap = [GC]::GetTotalMemory($false) }) }
# What the command before may have left behind that would change the meaning of the next one.
function Reset-Session {
    $runspace.Debugger.SetDebugMode('None')
    $session = $runspace.SessionStateProxy
    $session.SetVariable('LASTEXITCODE', $null)
    $session.SetVariable('PSDefaultParameterValues', [System.Management.Automation.DefaultParameterDictionary]::new())
    # One that a script has made constant can't be put right, and must not hold up the session.
    foreach ($name in $preferences.Keys) { try { $session.SetVariable($name, $preferences[$name]) } catch { } }
    [System.Management.Automation.PSStyle]::Instance.OutputRendering = $rendering
    [Environment]::SetEnvironmentVariable('PSModulePath', $modulePath)
    foreach ($hook in 'PreCommandLookupAction', 'PostCommandLookupAction', 'CommandNotFoundAction', 'LocationChangedAction') { $session.InvokeCommand.$hook = $null }
}
# What a script in constrained language may not use: PowerShell opens the runspaces of ForEach-Object -Parallel and of
# thread jobs in full language, and has no policy on Linux that would change it.
function Find-FullLanguage($syntax) {
    $syntax.FindAll({
            param($node)
            if ($node -is [System.Management.Automation.Language.CommandParameterAst]) { return $node.ParameterName.Length -gt 1 -and 'Parallel'.StartsWith($node.ParameterName, [StringComparison]::OrdinalIgnoreCase) }
            if ($node -is [System.Management.Automation.Language.StringConstantExpressionAst]) { return $node.Value -eq 'Parallel' -or $node.Value -like '*ThreadJob' }
            return $false
        }, $true) | ForEach-Object { [ordered]@{ id = 'NewRunspaceInConstrainedLanguage'; message = 'This session is in constrained language: ForEach-Object -Parallel and thread jobs would run in full language and are refused. Use ForEach-Object without -Parallel.'; line = $_.Extent.StartLineNumber; column = $_.Extent.StartColumnNumber } }
}

Send ([ordered]@{ t = 'hello'; protocol = 1; nonce = $nonce; pid = $PID; version = "$($PSVersionTable.PSVersion)"; runtime = [Runtime.InteropServices.RuntimeInformation]::FrameworkDescription })

$read = $reader.ReadLineAsync()
$shell = $null; $task = $null; $current = $null
$idle = [Threading.Tasks.Task[]]::new(1); $busy = [Threading.Tasks.Task[]]::new(2)
while ($true) {
    $request = $null
    if ($task) {
        $busy[0] = $task; $busy[1] = $read
        $which = [Threading.Tasks.Task]::WaitAny($busy, 15)
        if ($lines.Count) { Flush-Lines }
        if ($shell.Streams.Progress.Count) {
            $p = $shell.Streams.Progress.ReadAll()[-1]
            Send ([ordered]@{ t = 'progress'; id = $current; v = [ordered]@{ activity = $p.Activity; status = $p.StatusDescription; operation = $p.CurrentOperation; percent = $p.PercentComplete; seconds = $p.SecondsRemaining } })
        }
        if ($which -eq 0 -and $loading) {
            $request = $loading; $loading = $null
            $shell.Dispose(); $shell = $null; $task = $null; $current = $null
            $runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'
            if ($isStopAsked) {
                $loaded.Clear()
                Send ([ordered]@{ t = 'end'; id = $request.id; state = 'Stopped' })
                continue
            }
            $null = $request.Remove('load')
        }
        elseif ($which -eq 0) {
            Flush-Lines
            $info = $shell.InvocationStateInfo
            $end = [ordered]@{ t = 'end'; id = $current; state = "$($info.State)" }
            try {
                if ($info.Reason) { $end.failure = Get-Failure $info.Reason }
                if ($shell.Streams.Error.Count) { $end.sink = @($shell.Streams.Error | ForEach-Object { "$_" }) }
                $code = $runspace.SessionStateProxy.GetVariable('LASTEXITCODE')
                if ($code -is [int]) { $end.exitCode = $code }   # a script may have put anything there
                $end.location = $runspace.SessionStateProxy.Path.CurrentLocation.Path
            }
            catch { $end.lost = "$_" }
            Send $end
            $shell.Dispose(); $shell = $null; $task = $null; $current = $null
            if ($end.lost) { exit 70 }
            continue
        }
        elseif ($which -ne 1) { continue }
    }
    else { $idle[0] = $read; $null = [Threading.Tasks.Task]::WaitAny($idle) }
    if (-not $request) {
        $text = try { $read.Result } catch { $null }
        if ($null -eq $text) { break }
        $read = $reader.ReadLineAsync()
        $request = [Microsoft.PowerShell.Commands.JsonObject]::ConvertFromJson($text, $true, [ref]$null)
    }
    switch ($request.t) {
        'ping' { Send-Pulse $request.id }
        'collect' { [GC]::Collect(2, 'Aggressive', $true, $true); Send-Pulse $request.id }
        'constrain' { $runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'; $isConstrained = $true; Send ([ordered]@{ t = 'constrained'; id = $request.id }) }
        'bye' { exit 0 }
        'stop' { if ($shell -and $request.id -eq $current) { $isStopAsked = $true; $null = $shell.BeginStop($null, $null) } }
        'run' {
            if ($task) { Send ([ordered]@{ t = 'end'; id = $request.id; state = 'Busy' }); break }
            $tokens = $null; $problems = $null
            $syntax = [System.Management.Automation.Language.Parser]::ParseInput($request.script, [ref]$tokens, [ref]$problems)
            $refusals = @(
                if ($problems.Count) { $problems | ForEach-Object { [ordered]@{ id = $_.ErrorId; message = $_.Message; line = $_.Extent.StartLineNumber; column = $_.Extent.StartColumnNumber } } }
                elseif ($isConstrained) { Find-FullLanguage $syntax }
            )
            if ($refusals.Count) {
                Send ([ordered]@{ t = 'end'; id = $request.id; state = 'ParseFailed'; problems = $refusals })
                break
            }
            Reset-Session
            $names = @(if ($isConstrained -and $request.load) { foreach ($name in $request.load.names) { if ($loaded.Add($name)) { $name } } })
            if ($names.Count) {
                $loading = $request; $isStopAsked = $false; $current = $request.id
                $runspace.SessionStateProxy.LanguageMode = 'FullLanguage'
                $shell = [powershell]::Create(); $shell.Runspace = $runspace
                $null = $shell.AddScript($request.load.script, $true).AddParameter('Names', $names)
                $task = $shell.InvokeAsync($noInput)
                break
            }
            # The JSON reader would have made dates of these texts: each came with a mark in front.
            foreach ($name in $request.shielded) { $request.parameters[$name] = $request.parameters[$name].Substring(1) }
            $shell = [powershell]::Create(); $shell.Runspace = $runspace
            $null = $shell.AddScript($request.script, [bool]$request.local)
            if ($request.parameters) { $null = $shell.AddParameters($request.parameters) }
            $shell.Commands.Commands[0].MergeMyResults('All', 'Output')
            $depth = if ($request.depth) { $request.depth } else { 3 }
            $null = $shell.Commands.AddCommand([System.Management.Automation.Runspaces.Command]::new('__mm_sink', $false, $true))
            $null = $shell.AddParameter('Lines', $lines).AddParameter('Context', $contextType::new($depth, $true, $true)).AddParameter('Id', $request.id).AddParameter('Width', $(if ($request.width) { $request.width } else { 200 })).AddParameter('AsText', $request.format -eq 'text')
            $current = $request.id
            $task = $shell.InvokeAsync($noInput)
        }
    }
}
