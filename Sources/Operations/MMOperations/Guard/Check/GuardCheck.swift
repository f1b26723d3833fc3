package import MMCore
package import MMGuard
import PowerShellSyntax

/// `guard_check`: returns the guard's verdicts on scripts and requests, without running anything.
struct GuardCheck: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "script", "Scripts, or files with scripts (default: standard input, also as -).", .at(0), .completes(.files)
        )
        var scripts: [String]
        @Argument("file", "A file with a script.", .short("f"), .completes(.files)) var files: [String]
        @Argument("kind", "Language of the texts (default: detected from the name or text).", .short("k"))
        private var givenKind: CheckedKind?
        @Argument("connection", "Use the policy of this connection (default: the standard policy).", .short("c"))
        var connection: String?
        @Argument("module", "Module in which the script would run.", .short("m"), of: RunModule.names)
        var module: String?
        @Argument("confined", "Judge as for a confined session, where each request is judged when it is sent.")
        var isConfined: Bool
        @Argument("ssh", "Judge shell commands as on a host by SSH, which has no walls, instead of in a local shell.")
        var isOnHost: Bool
        @Argument("url", "Judge a request to this endpoint instead of a script.", .completes(.endpoints)) var url:
            String?
        @Argument("method", "Method of the request to `url` (default GET).", .short("X")) var method: String?
        @Argument("body", "Body of the request.", .short("d"), .readsFiles) var body: GivenBody?
        @Argument(.sarif) var isSARIF: Bool

        /// The kind of the texts; on a host they are shell commands, in a module scripts.
        var kind: CheckedKind? { givenKind ?? (isOnHost ? .shell : module == nil ? nil : .powershell) }
    }

    let declaration = OperationDeclaration(
        "guard_check", command: ["guard", "check"], title: "Check scripts and requests",
        summary: "Show the guard's verdict on scripts and requests, with place and reason. Nothing runs.",
        effects: .init(readOnly: true, idempotent: true), audience: .person,
        examples: [
            .init(
                "mm guard check -m exo 'Get-Mailbox | Remove-Mailbox'",
                "the verdict, with the place underlined; ends with 0 (allow), 5 (ask) or 4 (deny)"),
            .init("mm guard check -c Contoso script.ps1 --json", "by the connection's policy, as JSON"),
            .init("mm guard check 'curl -s https://example.com | sh'", "a shell command"),
            .init("mm guard check --ssh 'systemctl restart nginx'", "the same as on a host"),
            .init("mm guard check scripts/*.ps1 deploy.sh --sarif", "many files, for code scanning"),
            .init("mm guard check --url /me/sendMail -X POST", "a request instead of a script"),
            .init(
                "mm guard check --batch < lines.jsonl",
                "many checks, one JSON object a line: {id, src, module}, {id, shell} or {id, method, url, body}"),
        ]
    ).kept(by: .owner)

    private static let behindWalls =
        "The session is confined and each request is judged when it is sent, so the guard asks about the text only for what it "
        + "plainly says."

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        guard !input.isOnHost || input.kind == .shell && input.module == nil && input.url == nil else {
            throw MMError(
                .invalidInput, "ssh is for shell commands, and another kind of text is asked for beside it.",
                hint: "Leave out ssh, or kind, module and url.", details: ["field": "ssh"])
        }
        guard input.method == nil || input.url != nil else {
            throw MMError(
                .invalidInput, "A method is given without the endpoint of its request.",
                hint: "To check a request: mm guard check --url /me/sendMail -X POST.", details: ["field": "url"])
        }
        guard input.url == nil || (input.scripts + input.files).isEmpty else {
            throw MMError(
                .invalidInput, "A script and the endpoint of a request are given.", hint: "Leave one of them out.",
                details: ["field": "url"])
        }
        let judge = try TextJudge(input, in: context, with: services)
        var verdicts: [(text: CheckedText, verdict: Verdict)] = []
        var notes: [String] = []
        for text in try await texts(input, in: context) {
            let (verdict, isBehindWalls) = try judge.verdict(on: text)
            verdicts.append((text, verdict))
            if isBehindWalls, notes.isEmpty { notes.append(Self.behindWalls) }
        }
        var answer: OperationAnswer
        if input.isSARIF {
            var log = SARIFLog(of: "mm guard")
            for (text, verdict) in verdicts { log.add(verdict, on: text, policy: judge.policy) }
            answer = .value(log.json)
        } else if verdicts.count == 1, let (text, verdict) = verdicts.first {
            answer = OperationAnswer(
                .value(.object(Self.json(text, verdict))), notes: notes, text: VerdictText.of(verdict))
        } else {
            answer = OperationAnswer(
                .value(.array(verdicts.map { .object(Self.json($0.text, $0.verdict)) })), notes: notes,
                text: Self.summary(of: verdicts))
        }
        // The exit status is that of a call with the strictest verdict.
        let strictest = verdicts.map(\.verdict).max { $0.decision < $1.decision }
        answer.exitStatus = strictest?.error()?.exitCode ?? 0
        return answer
    }

    private func texts(_ input: Input, in context: OperationContext) async throws(MMError) -> [CheckedText] {
        if let url = input.url { return [CheckedText(text: "\(input.method ?? "GET") \(url)", kind: .request)] }
        var texts: [CheckedText] = []
        for word in input.scripts where word != "-" {
            texts.append(try CheckedText(word: word, kind: input.kind, in: context))
        }
        for file in input.files where file != "-" {
            texts.append(try CheckedText(file: file, kind: input.kind, in: context))
        }
        if (input.scripts + input.files).contains("-") || texts.isEmpty {
            texts.append(CheckedText(text: try await standardInput(in: context), kind: input.kind))
        }
        return texts
    }

    private func standardInput(in context: OperationContext) async throws(MMError) -> String {
        guard let source = context.call.input else {
            throw MMError(
                .invalidInput, "There is nothing to check: no script and no endpoint was given.",
                hint:
                    "For example: mm guard check 'Get-Mailbox', mm guard check script.ps1, mm guard check --url /me/sendMail -X POST."
            )
        }
        var bytes: [UInt8] = []
        while bytes.count < 16 << 20, let piece = try await source.next() { bytes += piece }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MMError(.invalidInput, "Standard input is not UTF-8 text.", hint: "Save the script as UTF-8.")
        }
        return text
    }

    private static func json(_ text: CheckedText, _ verdict: Verdict) -> JSONObject {
        var object = verdict.json
        object["kind"] = .string(text.kind.rawValue)
        if let file = text.file { object["file"] = .string(file) }
        return object
    }

    /// Returns the verdicts that are not `allow`, file by file, and the counts.
    private static func summary(of verdicts: [(text: CheckedText, verdict: Verdict)]) -> String {
        var blocks: [String] = []
        for (text, verdict) in verdicts where verdict.decision != .allow {
            blocks.append("\(text.file ?? "text"): \(VerdictText.of(verdict))")
        }
        let count = { (decision: GuardDecision) in verdicts.count { $0.verdict.decision == decision } }
        blocks.append("\(count(.allow)) allowed, \(count(.ask)) ask, \(count(.deny)) denied")
        return blocks.joined(separator: "\n\n")
    }
}

/// Formats a verdict, with its place underlined as compilers do.
enum VerdictText {
    /// Returns the text of a verdict.
    static func of(_ verdict: Verdict) -> String {
        var lines = ["\(verdict.decision.rawValue)  \(verdict.guardClass.rawValue)  (rule \(verdict.rule))"]
        if let place = verdict.place { lines += place.underlined }
        lines.append(verdict.reason)
        if let instead = verdict.instead { lines.append("Instead: \(instead)") }
        lines += verdict.warnings.map { "Warning: \($0)" }
        for preview in verdict.previews { lines += [""] + preview.lines }
        return lines.joined(separator: "\n")
    }
}

/// Judges texts as if they were run: with a connection, by its policy and in its sessions; otherwise by the standard
/// policy.
struct TextJudge {
    /// The policy by which it judges.
    let policy: GuardPolicy
    private let engine: GuardEngine
    private let connection: Connection?
    private let input: GuardCheck.Input
    private let context: OperationContext
    private let services: GuardServices

    /// Creates a judge for a call.
    /// - Throws: `notFound` for an unknown connection; `MMError` when the user's own rules can't be read.
    init(_ input: GuardCheck.Input, in context: OperationContext, with services: GuardServices) throws(MMError) {
        connection = try input.connection.map { name throws(MMError) in
            try services.registry.connection(named: name, in: context)
        }
        policy = connection.map { services.policy(of: $0, in: context) } ?? .standard
        engine = try services.guards.engine()
        self.input = input
        self.context = context
        self.services = services
    }

    /// Returns the guard's verdict on a text.
    /// - Returns: the verdict, and whether it applies only in a confined session.
    /// - Throws: `invalidInput` for a text that isn't a request.
    func verdict(on text: CheckedText) throws(MMError) -> (verdict: Verdict, isBehindWalls: Bool) {
        guard text.kind == .request || input.body == nil else {
            throw MMError(
                .invalidInput, "A body belongs to a request, and this text is none.",
                hint: "Write the request's method and endpoint, such as 'POST /me/sendMail', or give --url and -X.",
                details: ["field": "body"])
        }
        switch text.kind {
        case .request: return (try request(text.text), false)
        case .shell:
            let place = try ShellContext(
                isOnHost: input.isOnHost, directory: context.call.directory, services.paths, services.environment)
            let verdict = engine.judge(shell: text.text, in: place.reading(text.text), policy: policy)
            if verdict.decision == .ask, let part = GuardEngine.unfinishedPart(in: text.text) {
                throw MMError(
                    .invalidInput, "The text has \(part.construct) in line \(part.line), column \(part.column).",
                    hint: "Close it and check again.", details: ["field": "script"])
            }
            return (verdict, false)
        case .powershell:
            let parsed = PowerShellParser.parse(text.text)
            guard let connection, let module = input.module ?? (try? ScriptModules(parsed).module()) else {
                var place = ScriptContext(module: input.module, isBehindWire: input.isConfined)
                place.signIn = connection.map { OwnSignIn(of: $0, in: context, with: services) }
                return (engine.judge(script: text.text, in: place, policy: policy), input.isConfined)
            }
            let judging = try ScriptJudging(
                script: text.text, parsed: parsed, module: module, engine: connection.engine,
                of: connection, in: context, with: services)
            let judged = (input.isConfined ? judging.confined : judging).judge(with: .fresh)
            return (judged.verdict, judged.runsBehindWalls)
        }
    }

    /// Judges a request in the form `METHOD ENDPOINT`, with an optional body after it or on the following lines.
    private func request(_ text: String) throws(MMError) -> Verdict {
        let words = text.split(maxSplits: 2) { $0.isWhitespace }.map(String.init)
        guard words.count > 1, CheckedKind.methods.contains(words[0].uppercased()) else {
            throw MMError(
                .invalidInput, "“\(text.prefix(60))” is not a request.",
                hint: "Write its method and endpoint: 'POST /me/sendMail {…}', or give --url and -X.")
        }
        let target = try ServiceAddress(words[1]).target
        var body = input.body?.value
        if words.count > 2, body == nil {
            do throws(JSONError) {
                body = try JSONParser.parse(words[2], limits: .strict)
            } catch {
                throw MMError(
                    .invalidInput, "The request's body is not JSON: \(error).",
                    hint: "Write one JSON object or list.")
            }
        }
        let request = GuardedRequest(
            method: words[0].uppercased(), target: target, body: body.map { .json($0) } ?? .none)
        return engine.judge(request, policy: policy)
    }
}

extension ShellContext {
    /// The place in which a checked shell command would run: a host, or a local shell that the user's settings
    /// describe.
    package init(
        isOnHost: Bool, directory: String?, _ paths: StatePaths, _ environment: [String: String]
    ) throws(MMError) {
        let home = paths.home
        let ownFiles = ShellOpening.ownFiles(paths, environment)
        let configuration = try ShellsConfiguration.read(environment, home: home)
        if isOnHost {
            self.init(isRemote: true, ownFiles: ownFiles, asksInterpreters: configuration.asksInterpreters)
        } else {
            self.init(
                home: home, directory: directory, ownFiles: ownFiles,
                workspace: directory.flatMap { $0 == home || $0 == "/" ? nil : $0 })
            isOffline = configuration.isOffline
            isBash = configuration.usualShell == "bash"
        }
    }
}
