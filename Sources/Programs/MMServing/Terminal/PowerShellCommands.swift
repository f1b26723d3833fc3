import MMCLI
import MMCore
import MMNative
import MMOperations
import PowerShellSyntax

/// `mm powershell …`: what the PowerShell reader sees.
enum PowerShellCommands {
    /// All of them.
    static let all = [facts, factsBatch, eval, evalBatch]

    private static let facts = LocalCommand(
        ["powershell", "facts"],
        summary: "Show what a PowerShell script contains: commands, types, members, variables.",
        discussion:
            "Parses the script without PowerShell and without running anything. With --batch, standard input is JSON "
            + "lines {\"id\", \"src\"}, and each is answered by one line at once.",
        fields: [
            InputField(
                "script", .text, "The script; standard input when it is left out.", .at(0),
                .readsFiles, .namesFile,
                .readsInput(unless: []), .mayBeEmpty
            )
        ],
        examples: [.init("mm powershell facts script.ps1", "one JSON object")]
    ) { (input, _, streams) throws(MMError) in
        let text = try input.written("script") ?? ""
        try streams.writeLine(ScriptFacts(of: PowerShellParser.parse(text)).jsonLine)
        return 0
    }

    private static let factsBatch = LocalCommand(
        ["powershell", "facts"], trigger: "--batch", summary: "Show what many PowerShell scripts contain.",
        fields: [InputField("batch", .flag, "Standard input is JSON lines {\"id\", \"src\"}.")]
    ) { (_, _, streams) async throws(MMError) in
        try await BatchInput.lines { (line) throws(MMError) in try streams.writeLine(try answer(to: line)) }
        return 0
    }

    private static let eval = LocalCommand(
        ["powershell", "eval"], summary: "Evaluate a simple PowerShell script natively, without any PowerShell.",
        discussion:
            "What the closed language doesn't cover is handed over: it says why, and exits with "
            + "1. With --batch, standard input is JSON lines {\"id\", \"src\"}, and each is "
            + "answered by one line at once.",
        fields: [
            InputField(
                "script", .text, "The script; standard input when it is left out.", .at(0),
                .readsFiles,
                .namesFile, .readsInput(unless: []), .mayBeEmpty
            )
        ],
        examples: [.init("mm powershell eval '1..3 | ForEach-Object { $_ * 2 }'", "the objects as JSON")]
    ) { (input, _, streams) async throws(MMError) in
        let line = JSONWriter.string(["id": 0, "src": .string(try input.written("script") ?? "")])
        let text = try await EvaluationBatch().answer(line)
        let answer = try? JSONParser.parse(text)
        if let reason = answer?["handedOver"]?.string {
            throw MMError(
                .unsupported, "This needs a real PowerShell: \(reason).", hint: "Run it in a session with `mm run`.")
        }
        try streams.writeLine(answer?["result"].map { JSONWriter.string($0, layout: .indented(2)) } ?? text)
        return 0
    }

    private static let evalBatch = LocalCommand(
        ["powershell", "eval"], trigger: "--batch", summary: "Evaluate many simple PowerShell scripts natively.",
        fields: [InputField("batch", .flag, "Standard input is JSON lines {\"id\", \"src\"}.")]
    ) { (_, _, streams) async throws(MMError) in
        let batch = EvaluationBatch()
        try await BatchInput.lines { (line) async throws(MMError) in
            try streams.writeLine(try await batch.answer(line))
        }
        return 0
    }

    /// The facts of one line's script, with the line's id in front.
    private static func answer(to line: String) throws(MMError) -> String {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(line)
        } catch {
            throw MMError(
                .invalidInput, "A line of the batch isn't JSON: \(error).", hint: "Write {\"id\": …, \"src\": …}.")
        }
        guard let id = value["id"], let source = value["src"]?.string else {
            throw MMError(
                .invalidInput, "A line of the batch lacks `id` or `src`.", hint: "Write {\"id\": …, \"src\": …}.")
        }
        let facts = ScriptFacts(of: PowerShellParser.parse(source)).jsonLine
        return "{\"id\":\(JSONWriter.string(id))," + facts.dropFirst()
    }
}
