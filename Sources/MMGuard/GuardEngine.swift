public import MMCore
package import PowerShellSyntax

/// The guard: judges what a request or script would do before anything is started, signed in or sent.
///
/// Ready at once: its tables are part of the program and read in place.
public struct GuardEngine: Sendable {
    let tables: GuardTables

    /// The guard with the built-in rules and, perhaps, the user's own.
    public init(userRules: UserRuleFile = .none) {
        tables = GuardTables(user: userRules)
    }

    /// The guard with the built-in rules.
    public static let standard = GuardEngine()

    /// The template and class of a request, without a policy.
    public func classify(_ request: GuardedRequest) -> RequestClassification {
        RequestClassifier(tables: tables).classify(request)
    }

    /// Searches the templates that a request to Graph may mean, likeliest first, for what another table says of one.
    /// - Parameters:
    ///   - target: the request.
    ///   - parts: the parts of the other table, in the order in which they count.
    ///   - look: what a part says of a template; `nil` goes on to the next.
    package func search<Part, Found>(
        _ target: RequestTarget, in parts: [Part], look: (GraphTemplate, Part) -> Found?
    ) -> Found? {
        RequestClassifier(tables: tables).search(target, in: parts, look: look)
    }

    /// The text of a template: `/users/{user-id}/messages`.
    package func text(of template: GraphTemplate) -> String { tables.paths.text(of: template.number) }

    /// By which a table that names templates by their numbers is known to belong to the guard's tree of paths.
    package var pathsFingerprint: UInt64 { tables.paths.fingerprint }

    /// The verdict over a request.
    /// - Parameters:
    ///   - request: the request as it will be sent.
    ///   - policy: the connection's policy.
    ///   - confirmed: the caller said `confirmed: true`, which counts only where the policy honours it.
    public func judge(_ request: GuardedRequest, policy: GuardPolicy, confirmed: Bool = false) -> Verdict {
        RequestJudge(tables: tables).judge(request, policy: policy, confirmed: confirmed)
    }

    /// The verdict over a PowerShell script.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    ///   - confirmed: the caller said `confirmed: true`, which counts only where the policy honours it.
    public func judge(
        script: String, in context: ScriptContext = ScriptContext(), policy: GuardPolicy, confirmed: Bool = false
    ) -> Verdict {
        ScriptJudge(tables: tables).judge(script, context: context, policy: policy, confirmed: confirmed)
    }

    /// The verdict over a PowerShell script that would run in a session of a module.
    ///
    /// ```swift
    /// let verdict = GuardEngine.standard.judge(script: text, module: .exchangeOnline)
    /// ```
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - module: what the session is signed in to.
    ///   - policy: how classes become decisions.
    public func judge(script: String, module: PowerShellModule, policy: GuardPolicy = GuardPolicy()) -> Verdict {
        judge(script: script, in: ScriptContext(module: module.rawValue), policy: policy)
    }

    /// The verdict over a PowerShell script that was parsed for another purpose too.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: what the parser made of this text.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    ///   - confirmed: the caller said `confirmed: true`, which counts only where the policy honours it.
    package func judge(
        script: String, parsed: ParsedScript, in context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        ScriptJudge(tables: tables).judge(
            script, parsed: parsed, context: context, policy: policy, confirmed: confirmed)
    }

    /// The verdict over a script, and what its session remembers once it has run there.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: what the parser made of this text.
    ///   - context: where it will run, with what the session remembers now.
    ///   - policy: the connection's policy.
    ///   - confirmed: the caller said `confirmed: true`, which counts only where the policy honours it.
    package func judgeInSession(
        script: String, parsed: ParsedScript, in context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> (verdict: Verdict, memory: SessionMemory) {
        ScriptJudge(tables: tables).judged(
            script, parsed: parsed, context: context, policy: policy, confirmed: confirmed)
    }
}
