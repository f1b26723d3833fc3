import Glibc
import MMCLI
import MMCore
import MMNative
import MMOperations
import PowerShellSyntax

/// `mm powershell …`: shows how the PowerShell parser reads a script.
enum PowerShellCommands {
    static let all = [facts, factsBatch, eval, evalBatch]

    private static let facts = LocalCommand(
        ["powershell", "facts"],
        summary: "Show what a PowerShell script contains: commands, types, members, variables.",
        discussion:
            "Parses the script without PowerShell and without running anything. With --batch, standard input is JSON "
            + "lines {\"id\", \"src\"}, and each is answered immediately by one line.",
        fields: [
            InputField(
                "script", .text, "The script (default: standard input).", .at(0),
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
            "Scripts that need a real PowerShell are refused with the reason and exit code "
            + "1. With --batch, standard input is JSON lines {\"id\", \"src\"}, and each is "
            + "answered immediately by one line.",
        fields: [
            InputField(
                "script", .text, "The script (default: standard input).", .at(0),
                .readsFiles,
                .namesFile, .readsInput(unless: []), .mayBeEmpty
            )
        ],
        examples: [.init("mm powershell eval '1..3 | ForEach-Object { $_ * 2 }'", "the objects as JSON")]
    ) { (input, _, streams) async throws(MMError) in
        let script = try input.written("script") ?? ""
        if let fault = PowerShellParser.parse(script).errors.first, fault.isOfPowerShell {
            let (line, column) = fault.place(in: script)
            throw MMError(
                .invalidInput, "PowerShell can't run this text: \(fault.words) (line \(line), column \(column)).",
                hint: "Check quotes and brackets.")
        }
        let line = JSONWriter.string(["id": 0, "src": .string(script)])
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

    /// Returns the facts of one line's script, preceded by the line's id.
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

/// Reads standard input line by line. Each line is answered before the next is read, so that a program can interact
/// with the command.
enum BatchInput {
    private static let longestLine = 16 << 20

    /// Reads lines until the end of input. Reading blocks, as in every filter, since nothing else runs meanwhile.
    /// - Parameter each: receives each line that is not blank, without its line end.
    /// - Throws: the `MMError` of reading, or the error of `each`.
    static func lines(_ each: (String) async throws(MMError) -> Void) async throws(MMError) {
        var rest: [UInt8] = []
        var searched = 0
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = rest[searched...].firstIndex(of: 0x0A) {
                try await answer(rest[..<end], each)
                rest.removeSubrange(...end)
                searched = 0
                continue
            }
            searched = rest.count
            guard rest.count <= longestLine else {
                throw MMError(.limitExceeded, "A line of standard input is longer than \(longestLine >> 20) MiB.")
            }
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer[..<count]
        }
        try await answer(rest[...], each)
    }

    private static func answer(_ line: ArraySlice<UInt8>, _ each: (String) async throws(MMError) -> Void)
        async throws(MMError)
    {
        let text = String(decoding: line, as: UTF8.self)
        if !text.allSatisfy(\.isWhitespace) { try await each(text) }
    }
}
