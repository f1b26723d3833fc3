import MMCLI
import MMCore
import MMNative
import MMOperations

/// `mm cmdlets …`: what becomes of command lines of Exchange cmdlets.
enum CmdletCommands {
    /// All of them.
    static let all = [bind, bindBatch]

    private static let bind = LocalCommand(
        ["cmdlets", "bind"], summary: "Show the request that a command line of one cmdlet becomes.",
        discussion:
            "Nothing is sent. With --batch, standard input is JSON lines {\"id\", \"line\", \"service\"}, and each is "
            + "answered by one line at once: {\"id\", \"body\", …} or {\"id\", \"error\"}.",
        fields: [
            InputField("line", .text, "The command line.", .required, .at(0)),
            InputField("service", .choice(["exo", "scc"]), "Exchange Online (default) or Security & Compliance."),
        ],
        examples: [.init("mm cmdlets bind 'Get-Mailbox -ResultSize 5'", "the body that would be sent")]
    ) { (input, _, streams) throws(MMError) in
        if let request = try GraphLine.request(of: try input.requiredText("line")) {
            try streams.writeLine(JSONWriter.string(.object(request), layout: .indented(2)))
            return 0
        }
        let line: JSONObject = [
            "line": .string(try input.requiredText("line")),
            "service": .string(try input.text("service") ?? "exo"),
        ]
        let text = try BindingBatch().answer(JSONWriter.string(.object(line)))
        let answer = try? JSONParser.parse(text)
        if let fault = answer?["error"]?.string {
            throw MMError(
                .invalidInput, answer?["message"]?.string ?? fault,
                hint: "mm cmdlets NAME shows a cmdlet's parameters.",
                details: ["id": .string(fault)])
        }
        try streams.writeLine(answer.map { JSONWriter.string($0, layout: .indented(2)) } ?? text)
        return 0
    }

    private static let bindBatch = LocalCommand(
        ["cmdlets", "bind"], trigger: "--batch", summary: "Bind many command lines.",
        fields: [InputField("batch", .flag, "Standard input is JSON lines {\"id\", \"line\", \"service\"}.")]
    ) { (_, _, streams) async throws(MMError) in
        let batch = BindingBatch()
        try await BatchInput.lines { (line) throws(MMError) in try streams.writeLine(try batch.answer(line)) }
        return 0
    }
}
