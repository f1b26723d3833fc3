# The PowerShell side of one session. It reads requests (one JSON object per line) from a port of this machine, runs each
# script in a second runspace on this same thread, and sends records as they come: a short command involves no other
# thread. During a longer one, a keeper thread flushes the collected output and reads the socket for a request to stop.
$ErrorActionPreference = 'Stop'
$port = [int]$env:MM_WIRE; $nonce = $env:MM_NONCE; $modules = $env:MM_MODULES
foreach ($name in 'MM_WIRE', 'MM_NONCE', 'MM_MODULES') { [Environment]::SetEnvironmentVariable($name, $null) }
$socket = [Net.Sockets.Socket]::new([Net.Sockets.AddressFamily]::InterNetwork, [Net.Sockets.SocketType]::Stream, [Net.Sockets.ProtocolType]::Tcp)
$socket.NoDelay = $true
$socket.Connect([Net.IPEndPoint]::new([Net.IPAddress]::Loopback, $port))
$writer = [IO.StreamWriter]::new([Net.Sockets.NetworkStream]::new($socket, $true), [Text.UTF8Encoding]::new($false), 65536)
$writer.NewLine = "`n"
$null = ConvertTo-Json 1   # loads the assembly that contains JsonObject
$contextType = [Microsoft.PowerShell.Commands.JsonObject+ConvertToJsonContext]

# The state that this thread and the keeper share. Each writes only whole lines. The holder of the gate reads the socket:
# this thread between commands, and the keeper while a command runs (Busy).
$wire = [hashtable]::Synchronized(@{
        Collection = [Enum]::GetValues([GCCollectionMode])[-1]   # the most thorough that this .NET has: Aggressive since 7
        Out = [IO.TextWriter]::Synchronized($writer); Frame = [ref]$contextType::new(8, $true, $true)
        Socket = $socket; Utf8 = [Text.UTF8Encoding]::new($false); Bytes = [byte[]]::new(65536); From = 0; To = 0; Part = [IO.MemoryStream]::new()
        Gate = [object]::new(); Busy = [Threading.ManualResetEventSlim]::new($false); Shell = $null; Id = $null; IsStopAsked = $false
    })
$wireFunctions = {
    function Send($frame) {
        $context = $wire.Frame
        $wire.Out.WriteLine([Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($frame, $context)); $wire.Out.Flush()
    }
    function Send-Pulse($id, [bool] $busy) { Send ([ordered]@{ t = 'pong'; id = $id; busy = $busy; workingSet = [Environment]::WorkingSet; heap = [GC]::GetTotalMemory($false) }) }
    function Send-Progress {
        if (-not $wire.Shell.Streams.Progress.Count) { return }
        $p = $wire.Shell.Streams.Progress.ReadAll()[-1]
        Send ([ordered]@{ t = 'progress'; id = $wire.Id; v = [ordered]@{ activity = $p.Activity; status = $p.StatusDescription; operation = $p.CurrentOperation; percent = $p.PercentComplete; seconds = $p.SecondsRemaining } })
    }
    # Returns the next line; an empty text once the socket is closed. Without waiting, returns null if no whole line has come.
    function Read-Line([bool] $wait) {
        while ($true) {
            $at = if ($wire.To -gt $wire.From) { [Array]::IndexOf($wire.Bytes, [byte]10, $wire.From, $wire.To - $wire.From) } else { -1 }
            if ($at -ge 0) {
                if ($wire.Part.Length) { $wire.Part.Write($wire.Bytes, $wire.From, $at - $wire.From); $text = $wire.Utf8.GetString($wire.Part.GetBuffer(), 0, $wire.Part.Length); $wire.Part.SetLength(0) }
                else { $text = $wire.Utf8.GetString($wire.Bytes, $wire.From, $at - $wire.From) }
                $wire.From = $at + 1
                return $text
            }
            if ($wire.To -gt $wire.From) { $wire.Part.Write($wire.Bytes, $wire.From, $wire.To - $wire.From) }
            $wire.From = 0; $wire.To = 0
            if (-not $wait -and -not $wire.Socket.Poll(0, [Net.Sockets.SelectMode]::SelectRead)) { return $null }
            $wire.To = try { $wire.Socket.Receive($wire.Bytes) } catch { 0 }
            if ($wire.To -le 0) { return '' }
        }
    }
    function Read-Request([string] $text) { [Microsoft.PowerShell.Commands.JsonObject]::ConvertFromJson($text, $true, [ref]$null) }
}
. $wireFunctions

# The last command of every pipeline: it converts each record to one line of JSON, in the user's runspace.
$sink = {
    param($Call, [Parameter(ValueFromPipeline)][AllowNull()] $InputObject)
    begin {
        $Lines = $Call.Lines; $Width = $Call.Width; $AsText = $Call.AsText; $AsObjects = $Call.AsObjects; $Depth = $Call.Depth; $json = $Call.Json
        $head = '","id":' + $Call.Id + ',"v":'
        $formatter = $null   # formats objects as a console would; started for the first object that needs it
    }
    process {
        $kind = 'out'; $line = $null
        try {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $kind = 'error'
                $target = "$($_.TargetObject)"; $source = "$($_.InvocationInfo.Line)"   # a script may be a single line of several megabytes
                if ($target.Length -gt 1000) { $target = $target.Substring(0, 1000) }
                if ($source.Length -gt 1000) { $source = $source.Substring(0, 1000) }
                $body = [ordered]@{ message = "$_"; id = $_.FullyQualifiedErrorId; category = "$($_.CategoryInfo.Category)"; target = $target; type = $_.Exception.GetType().FullName; line = $_.InvocationInfo.ScriptLineNumber; column = $_.InvocationInfo.OffsetInLine; text = $source }
                if ($_.InvocationInfo.ScriptName) { $body['file'] = "$($_.InvocationInfo.ScriptName)" }   # the line is in a module's file
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
                foreach ($text in $formatter.Process($_)) { $Lines.WriteLine('{"t":"text' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($text, $json) + '}') }
                return
            }
            elseif ($AsObjects) { $body = [System.Management.Automation.PSSerializer]::Serialize($InputObject, $Depth) }   # in the form that another session reads
            elseif ($_ -is [System.Xml.XmlNode]) { $body = $_.OuterXml }
            else { $body = $_ }
            $line = '{"t":"' + $kind + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
        }
        catch {
            try {
                # An error that can't be described still counts as an error, such as one without a position in strict mode.
                if ($kind -eq 'error') { $body = @{ message = "$InputObject" } }
                else { $kind = 'text'; $body = ($InputObject | Out-String -Width $Width).TrimEnd() }
                $line = '{"t":"' + $kind + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
            }
            catch {
                # Neither form was possible, usually for lack of memory: the value is lost, and the caller is told so.
                $body = $null
                $type = if ($null -eq $InputObject) { 'null' } else { $InputObject.GetType().FullName }
                $cause = $_.Exception.GetBaseException()
                $body = [ordered]@{ message = "A value of the type $type could not be sent and is missing: $($cause.Message) Ask for less at once, or write it to a file."; id = 'ValueNotSent'; category = 'LimitsExceeded'; target = $type; type = $cause.GetType().FullName }
                $line = '{"t":"error' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($body, $json) + '}'
            }
        }
        $Lines.WriteLine($line)
    }
    end {
        if ($formatter) { foreach ($text in $formatter.End()) { $Lines.WriteLine('{"t":"text' + $head + [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($text, $json) + '}') } }
    }
}

$state = [initialsessionstate]::CreateDefault2()
# Constant, because a script that removes all functions, or has one of the same name, would end the session's output.
$state.Commands.Add([System.Management.Automation.Runspaces.SessionStateFunctionEntry]::new('__mm_sink', $sink.ToString(), 'Constant', $null))
$runspace = [runspacefactory]::CreateRunspace($Host, $state)
$runspace.ThreadOptions = 'UseCurrentThread'
$runspace.Open()
$keeper = [powershell]::Create(); $keeper.Runspace = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2())
$keeper.Runspace.Open()
# Every runspace that is opened later, such as for -Parallel, adds folders to the beginning of it for the whole process.
$modulePath = if ($modules) { $modules + [IO.Path]::PathSeparator + $PSHOME + '/Modules' } else { $env:PSModulePath }
$env:PSModulePath = $modulePath
# There is no screen, and the program that would clear it returns an exit code that looks like a failure. Scripts written for
# Windows write to the drive C, which is the session's home.
$shell = [powershell]::Create(); $shell.Runspace = $runspace
$usual = {
    function global:Clear-Host { }
    $state = $ExecutionContext.SessionState
    $null = $state.Drive.New([System.Management.Automation.PSDriveInfo]::new('C', $state.Provider.GetOne('FileSystem'), $HOME, '', $null), 'Global')
}
try { $null = $shell.AddScript($usual.ToString(), $true).Invoke() } catch { }
$shell.Dispose(); $shell = $null
$preferences = @{}
foreach ($name in 'ConfirmPreference', 'DebugPreference', 'ErrorActionPreference', 'ErrorView', 'InformationPreference', 'ProgressPreference', 'PSNativeCommandUseErrorActionPreference', 'VerbosePreference', 'WarningPreference', 'WhatIfPreference') {
    $value = $runspace.SessionStateProxy.GetVariable($name)
    if ($null -ne $value) { $preferences[$name] = $value }
}
$rendering = [System.Management.Automation.PSStyle]::Instance.OutputRendering
$isConstrained = $false
# PowerShell loads a module with the first of its commands, and a module that is loaded in constrained language doesn't work.
# So the modules for a script are loaded before it in full language, by the driver's script; only that and their code run then.
$loaded = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
$noInput = [System.Management.Automation.PSDataCollection[psobject]]::new(); $noInput.Complete()
function Get-Failure($reason) {
    $record = if ($reason -is [System.Management.Automation.RuntimeException]) { $reason.ErrorRecord }
    $failure = [ordered]@{ message = $reason.Message; type = $reason.GetType().FullName; id = $record.FullyQualifiedErrorId; line = $record.InvocationInfo.ScriptLineNumber; column = $record.InvocationInfo.OffsetInLine }
    if ($record.InvocationInfo.ScriptName) { $failure['file'] = "$($record.InvocationInfo.ScriptName)" }
    $failure
}
# Resets state that the previous command may have left behind and that would change the meaning of the next one.
function Reset-Session {
    $runspace.Debugger.SetDebugMode('None')
    $session = $runspace.SessionStateProxy
    $session.SetVariable('LASTEXITCODE', $null)
    $session.SetVariable('PSDefaultParameterValues', [System.Management.Automation.DefaultParameterDictionary]::new())
    # A variable that a script has made constant can't be reset, and must not stop the session.
    foreach ($name in $preferences.Keys) { try { $session.SetVariable($name, $preferences[$name]) } catch { } }
    [System.Management.Automation.PSStyle]::Instance.OutputRendering = $rendering
    [Environment]::SetEnvironmentVariable('PSModulePath', $modulePath)
    foreach ($hook in 'PreCommandLookupAction', 'PostCommandLookupAction', 'CommandNotFoundAction', 'LocationChangedAction') { $session.InvokeCommand.$hook = $null }
}
# Finds features that a script in constrained language may not use: PowerShell opens the runspaces of ForEach-Object -Parallel
# and of thread jobs in full language, and has no policy on Linux that would change it.
function Find-FullLanguage($syntax) {
    $syntax.FindAll({
            param($node)
            if ($node -is [System.Management.Automation.Language.CommandParameterAst]) { return $node.ParameterName.Length -gt 1 -and 'Parallel'.StartsWith($node.ParameterName, [StringComparison]::OrdinalIgnoreCase) }
            if ($node -is [System.Management.Automation.Language.StringConstantExpressionAst]) { return $node.Value -eq 'Parallel' -or $node.Value -like '*ThreadJob' }
            return $false
        }, $true) | ForEach-Object { [ordered]@{ id = 'NewRunspaceInConstrainedLanguage'; message = 'This session is in constrained language: ForEach-Object -Parallel and thread jobs would run in full language and are refused. Use ForEach-Object without -Parallel.'; line = $_.Extent.StartLineNumber; column = $_.Extent.StartColumnNumber } }
}

Send ([ordered]@{ t = 'hello'; protocol = 1; nonce = $nonce; pid = $PID; version = "$($PSVersionTable.PSVersion)"; runtime = [Runtime.InteropServices.RuntimeInformation]::FrameworkDescription })

$null = $keeper.AddScript('param($wire)' + $wireFunctions.ToString() + {
        while ($true) {
            $wire.Busy.Wait()
            [Threading.Thread]::Sleep(15)
            [Threading.Monitor]::Enter($wire.Gate)
            try {
                if (-not $wire.Busy.IsSet) { continue }
                $wire.Out.Flush()
                Send-Progress
                while ($null -ne ($text = Read-Line $false)) {
                    if ($text -eq '') { [Environment]::Exit(0) }
                    $request = Read-Request $text
                    switch ($request.t) {
                        'ping' { Send-Pulse $request.id $true }
                        'collect' { [GC]::Collect(2, $wire.Collection, $true, $true); Send-Pulse $request.id $true }
                        'stop' { if ($request.id -eq $wire.Id) { $wire.IsStopAsked = $true; $null = $wire.Shell.BeginStop($null, $null) } }
                        'bye' { [Environment]::Exit(0) }
                        'run' { Send ([ordered]@{ t = 'end'; id = $request.id; state = 'Busy' }) }
                    }
                }
            }
            finally { [Threading.Monitor]::Exit($wire.Gate) }
        }
    }.ToString()).AddArgument($wire)
$null = $keeper.BeginInvoke()

# Runs the pipeline of a request, while the keeper handles the socket. The result is in the shell's state afterwards.
function Invoke-Kept($shell, $id) {
    $wire.Shell = $shell; $wire.Id = $id
    $wire.Busy.Set()
    try { $null = $shell.Invoke($noInput) } catch { }
    [Threading.Monitor]::Enter($wire.Gate); $wire.Busy.Reset(); [Threading.Monitor]::Exit($wire.Gate)
}
# Loads what a script in constrained language needs, and its functions for other sessions. Returns whether the script may run.
function Import-Needs($request) {
    $names = @(foreach ($name in $request.load.names) { if ($loaded.Add($name)) { $name } })
    if (-not $names.Count) { return $true }
    $shell = [powershell]::Create(); $shell.Runspace = $runspace
    $null = $shell.AddScript($request.load.script, $true).AddParameter('Names', $names)
    if ($isConstrained) { $runspace.SessionStateProxy.LanguageMode = 'FullLanguage' }
    try { Invoke-Kept $shell $request.id } finally { if ($isConstrained) { $runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage' } }
    $shell.Dispose()
    if (-not $wire.IsStopAsked) { return $true }
    $loaded.Clear()
    Send ([ordered]@{ t = 'end'; id = $request.id; state = 'Stopped' })
    return $false
}
# A function, because PowerShell resolves the variables in it only once, when it is compiled.
function Start-Serving {
    $lastDepth = $null; $json = $null; $lastLocation = $null; $locationText = $null
    while ($true) {
        $text = Read-Line $true
        if ($text -eq '') { [Environment]::Exit(0) }   # `exit` would wait for the keeper's thread
        $request = Read-Request $text
        if ($request.t -ne 'run') {
            switch ($request.t) {
                'ping' { Send-Pulse $request.id $false }
                'collect' { [GC]::Collect(2, $wire.Collection, $true, $true); Send-Pulse $request.id $false }
                'constrain' { $runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'; $script:isConstrained = $true; Send ([ordered]@{ t = 'constrained'; id = $request.id }) }
                'bye' { [Environment]::Exit(0) }
            }
            continue
        }
        $tokens = $null; $problems = $null
        $syntax = [System.Management.Automation.Language.Parser]::ParseInput($request.script, [ref]$tokens, [ref]$problems)
        $refusals = @(
            if ($problems.Count) { $problems | ForEach-Object { [ordered]@{ id = $_.ErrorId; message = $_.Message; line = $_.Extent.StartLineNumber; column = $_.Extent.StartColumnNumber } } }
            elseif ($isConstrained) { Find-FullLanguage $syntax }
        )
        if ($refusals.Count) { Send ([ordered]@{ t = 'end'; id = $request.id; state = 'ParseFailed'; problems = $refusals }); continue }
        Reset-Session
        $wire.IsStopAsked = $false
        if ($request.load -and -not (Import-Needs $request)) { continue }
        # The JSON reader would have converted these texts to dates, so each was sent with a mark in front, as are the names of
        # members on the way to it.
        foreach ($path in $request.shielded) {
            $place = $request.parameters; $step = $null
            foreach ($next in $path) {
                if ($null -ne $step) { $place = $place[$step] }
                $step = if ($next -is [string]) { $next.Substring(1) } else { [int]$next }
            }
            $place[$step] = $place[$step].Substring(1)
        }
        $shell = [powershell]::Create(); $shell.Runspace = $runspace
        $null = $shell.AddScript($request.script, [bool]$request.local)
        if ($request.parameters) { $null = $shell.AddParameters($request.parameters) }
        $shell.Commands.Commands[0].MergeMyResults('All', 'Output')
        $depth = if ($request.depth) { $request.depth } else { 3 }
        if ($depth -ne $lastDepth) { $lastDepth = $depth; $json = [ref]$contextType::new($depth, $true, $true) }
        $null = $shell.Commands.AddCommand([System.Management.Automation.Runspaces.Command]::new('__mm_sink', $false, $true))
        $null = $shell.AddArgument(@{ Lines = $wire.Out; Json = $json; Id = $request.id; Width = $(if ($request.width) { $request.width } else { 200 }); AsText = $request.format -eq 'text'; AsObjects = $request.format -eq 'objects'; Depth = $depth })
        Invoke-Kept $shell $request.id
        Send-Progress
        $info = $shell.InvocationStateInfo
        $code = $null; $location = $null; $lost = $null
        try {
            $code = $runspace.SessionStateProxy.GetVariable('LASTEXITCODE')
            $location = $runspace.SessionStateProxy.Path.CurrentLocation.Path
        }
        catch { $lost = "$_" }
        # Most commands end normally and in the same location, so this answer is written without building a frame.
        if ($null -eq $info.Reason -and $null -eq $lost -and $null -eq $code -and $shell.Streams.Error.Count -eq 0) {
            if ($location -cne $lastLocation) { $context = $wire.Frame; $lastLocation = $location; $locationText = [Microsoft.PowerShell.Commands.JsonObject]::ConvertToJson($location, $context) }
            $wire.Out.WriteLine('{"t":"end","id":' + $request.id + ',"state":"' + $info.State + '","location":' + $locationText + '}'); $wire.Out.Flush()
        }
        else {
            $end = [ordered]@{ t = 'end'; id = $request.id; state = "$($info.State)" }
            if ($info.Reason) { $end.failure = Get-Failure $info.Reason }
            if ($shell.Streams.Error.Count) { $end.sink = @($shell.Streams.Error | ForEach-Object { "$_" }) }
            if ($code -is [int]) { $end.exitCode = $code }   # a script may have set it to anything
            if ($lost) { $end.lost = $lost } else { $end.location = $location }
            Send $end
        }
        $shell.Dispose()
        if ($lost) { [Environment]::Exit(70) }
    }
}
# Without this the process would live on after an error here, such as a lack of memory, and answer nothing any more.
try { Start-Serving } catch { try { [Console]::Error.WriteLine("$_") } finally { [Environment]::Exit(70) } }
