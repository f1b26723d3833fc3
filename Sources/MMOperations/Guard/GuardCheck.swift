import MMCore
import MMGuard
import PowerShellSyntax

/// `guard_check`: what the guard says of a script or request, without running anything.
struct GuardCheck: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField(
                "script", .text, "A PowerShell script; standard input when it is left out.", at: .positional(0),
                readsFiles: true, namesFile: true, readsInputUnless: ["url"]),
            InputField(
                "connection", .text, "Judge by the policy of this connection (default: the standard policy).",
                at: .option("c")),
            InputField("module", .text, "The module the script would run in, such as exo.", at: .option("m")),
            InputField("url", .text, "Judge a request to this endpoint instead of a script."),
            InputField("method", .text, "The request's method (default GET).", at: .option("X")),
            InputField("body", .object, "The request's body.", at: .option("d"), readsFiles: true),
        ]
        let script: String?
        let connection: String?
        let module: String?
        let url: String?
        let method: String
        let body: JSONObject?

        init(from reader: InputReader) throws(MMError) {
            script = try reader.written("script")
            connection = try reader.text("connection")
            module = try reader.text("module")
            url = try reader.text("url")
            method = try reader.text("method") ?? "GET"
            body = try reader.object("body")
            guard script != nil || url != nil else {
                throw MMError(
                    .invalidInput, "guard_check needs a script or a url.",
                    hint: "For example: mm guard check 'Get-Mailbox'")
            }
        }
    }

    let declaration = OperationDeclaration(
        "guard_check", command: ["guard", "check"], title: "Ask the guard",
        summary: "Say what the guard thinks of a script or request, and where and why; runs nothing.",
        effects: .init(readOnly: true, idempotent: true), audience: .person,
        examples: [
            .init(
                "mm guard check -m exo 'Get-Mailbox | Remove-Mailbox'",
                "the verdict, with the place underlined; ends with 0 for allow, 5 for ask, 4 for deny"),
            .init("mm guard check -c Contoso script.ps1 --json", "by the connection's policy, for a program"),
            .init("mm guard check --url /me/sendMail -X POST", "a request instead of a script"),
            .init(
                "mm guard check --batch < lines.jsonl", "many: {id, src, module} or {id, method, url, body} per line"),
        ]
    )

    private static let behindWalls =
        "The session is confined and what it sends is judged when it is sent, so the text is asked about only for what it "
        + "plainly says."

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try input.connection.map { name throws(MMError) in
            try services.registry.connection(named: name, in: context)
        }
        let policy = connection.map { services.policy(of: $0, in: context) } ?? .standard
        let engine = try services.guards.engine()
        let verdict: Verdict
        var notes: [String] = []
        if let url = input.url {
            let service: RequestService =
                url.lowercased().contains("/providers/microsoft.processsimple") ? .flow : .graph
            let target = try RequestTarget(parsing: url, service: service)
            verdict = engine.judge(
                GuardedRequest(
                    method: input.method, target: target, body: input.body.map { .json(.object($0)) } ?? .none),
                policy: policy)
        } else {
            let script = input.script ?? ""
            if let connection, let module = input.module.flatMap({ try? RunModule.named($0) }) {
                let judged = try ScriptJudging(
                    script: script, parsed: PowerShellParser.parse(script), module: module, engine: connection.engine,
                    of: connection, in: context, with: services
                ).judge(with: .fresh)
                verdict = judged.verdict
                if judged.runsBehindWalls { notes.append(Self.behindWalls) }
            } else {
                verdict = engine.judge(script: script, in: ScriptContext(module: input.module), policy: policy)
            }
        }
        var answer = OperationAnswer(.value(.object(verdict.json)), notes: notes, text: VerdictText.of(verdict))
        // For scripts: the status that the call itself would end with.
        answer.exitStatus = verdict.error()?.exitCode ?? 0
        return answer
    }
}
