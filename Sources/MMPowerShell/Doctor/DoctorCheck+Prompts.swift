import MMCore

extension DoctorCheck {
    private static let sentence =
        "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code FXK3T9QMB to authenticate."

    /// Device codes on every stream that modules use.
    static let prompts: [DoctorCheck] = [
        shows("[Console]::WriteLine", "[Console]::WriteLine($Text)", .console, standIn: "console"),
        shows("[Console]::Error", "[Console]::Error.WriteLine($Text)", .console, standIn: "error"),
        shows("$Host.UI.WriteLine", "$Host.UI.WriteLine($Text)", .console),
        shows("Write-Host", "Write-Host $Text -ForegroundColor Yellow", .information, standIn: "information"),
        shows("Write-Information", "Write-Information $Text", .information),
        shows("Write-Warning", "Write-Warning $Text", .warning, standIn: "warning"),
        shows("an output object", "$Text", .output, standIn: "output"),
        shows("a thread job", "Start-ThreadJob { [Console]::WriteLine($using:Text) } | Receive-Job -Wait", .console),
        shows("a native program that still runs", "sh -c 'echo \"$0\"; sleep 2' $Text", .output, standIn: "native"),
    ]

    /// A code that is found while the command that shows it still runs.
    private static func shows(
        _ name: String, _ script: String, _ stream: PromptWords.Stream, standIn: String? = nil
    ) -> DoctorCheck {
        DoctorCheck(.prompts, "a code written with \(name) is found at once", standIn: standIn != nil) { bench in
            let host = try await bench.host()
            let used =
                host.isStandIn
                ? "Invoke-StandIn prompt \(standIn ?? "") FXK3T9QMB; Start-Sleep 2"
                : "param($Text) \(script); Start-Sleep 2"
            let command = PowerShellCommand(used, parameters: ["Text": .json(.string(sentence))])
            let run = try await host.run(command, deadline: .after(.seconds(60)))
            var reader = PromptReader(
                PromptWords(near: ["to sign in", "authenticate using code"], stream: stream),
                cloud: try ModuleCloud.named("public"))
            let start = ContinuousClock.now
            var found: (prompt: DevicePrompt, stream: PromptWords.Stream, after: Duration)?
            var ended: Duration?
            for try await event in run {
                let (prompt, source) = read(event, &reader)
                if let prompt, let source, found == nil {
                    found = (prompt, source, ContinuousClock.now - start)
                }
                if case .end = event { ended = ContinuousClock.now - start }
            }
            guard let found, let ended else { throw DoctorFinding("no code was found") }
            try demand(found.prompt.userCode == "FXK3T9QMB", "the code read was \(found.prompt.userCode)")
            try demand(found.stream == stream, "it came on \(found.stream.rawValue)")
            try demand(found.after + .seconds(1) < ended, "it came only when the command was over")
            return Figure.milliseconds(found.after)
        }
    }

    private static func read(
        _ event: RunEvent, _ reader: inout PromptReader
    ) -> (DevicePrompt?, PromptWords.Stream?) {
        switch event {
        case .console(let text): return (reader.read(text), .console)
        case .record(let record):
            let stream: PromptWords.Stream? =
                switch record.stream {
                case .information: .information
                case .warning: .warning
                case .output, .text: .output
                default: nil
                }
            return (reader.read(record), stream)
        case .end: return (nil, nil)
        }
    }
}
