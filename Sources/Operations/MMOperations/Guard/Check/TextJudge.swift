import MMCore
import MMGuard
import PowerShellSyntax

/// Judges texts as they would be judged if somebody ran them: with a connection by its policy and in its sessions, else by
/// the standard policy.
struct TextJudge {
    /// How strictly it judges.
    let policy: GuardPolicy
    private let engine: GuardEngine
    private let connection: Connection?
    private let input: GuardCheck.Input
    private let context: OperationContext
    private let services: GuardServices

    /// A judge for a call.
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

    /// What the guard says of a text.
    /// - Returns: the verdict, and whether it holds in a confined session alone.
    /// - Throws: `invalidInput` for what is no request.
    func verdict(on text: CheckedText) throws(MMError) -> (verdict: Verdict, isBehindWalls: Bool) {
        switch text.kind {
        case .request: return (try request(text.text), false)
        case .shell:
            let place = ShellContext(
                home: services.paths.home, directory: context.call.directory,
                ownFiles: services.paths.ownFiles
                    + [ShellsConfiguration.path(services.environment, home: services.paths.home)],
                workspace: context.call.directory.flatMap { $0 == services.paths.home || $0 == "/" ? nil : $0 })
            return (engine.judge(shell: text.text, in: place, policy: policy), false)
        case .powershell:
            let parsed = PowerShellParser.parse(text.text)
            let named = input.module.flatMap { try? RunModule.named($0) }
            guard let connection,
                let module = named ?? (input.module == nil ? try? ScriptModules(parsed).module() : nil)
            else {
                var place = ScriptContext(module: input.module)
                place.signIn = connection.map { OwnSignIn(of: $0, in: context, with: services) }
                return (engine.judge(script: text.text, in: place, policy: policy), false)
            }
            let judged = try ScriptJudging(
                script: text.text, parsed: parsed, module: module, engine: connection.engine,
                of: connection, in: context, with: services
            ).judge(with: .fresh)
            return (judged.verdict, judged.runsBehindWalls)
        }
    }

    /// `METHOD ENDPOINT`, and a body behind it on the same line or below.
    private func request(_ text: String) throws(MMError) -> Verdict {
        let words = text.split(maxSplits: 2) { $0.isWhitespace }.map(String.init)
        guard words.count > 1, CheckedKind.methods.contains(words[0].uppercased()) else {
            throw MMError(
                .invalidInput, "“\(text.prefix(60))” is no request.",
                hint: "Write its method and endpoint: 'POST /me/sendMail {…}', or give --url and -X.")
        }
        let target = try ServiceAddress(words[1]).target
        var body = input.body
        if words.count > 2, body == nil {
            do throws(JSONError) {
                body = try JSONParser.parse(words[2], limits: .strict).object
            } catch {
                throw MMError(.invalidInput, "The request's body is no JSON: \(error).", hint: "Write one JSON object.")
            }
        }
        let request = GuardedRequest(
            method: words[0].uppercased(), target: target, body: body.map { .json(.object($0)) } ?? .none)
        return engine.judge(request, policy: policy)
    }
}
