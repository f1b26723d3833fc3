public import MMCore
package import PowerShellSyntax

/// The guard: judges what a request or script would do before anything is started, signed in or sent.
///
/// It is ready at once: its tables are part of the program and are read in place.
public struct GuardEngine: Sendable {
    let tables: GuardTables
    /// What it has said lately. Other rules are another guard, which has said nothing yet.
    private let known = KnownVerdicts()

    /// Creates the guard with the built-in rules and, optionally, the user's own.
    public init(userRules: UserRuleFile = .none) {
        tables = GuardTables(user: userRules)
    }

    /// The guard with the built-in rules.
    public static let standard = GuardEngine()

    /// Returns the template and class of a request, regardless of any policy.
    package func classify(_ request: GuardedRequest) -> RequestClassification {
        RequestClassifier(tables: tables).classify(request)
    }

    /// Searches the templates that a request to Graph may refer to, most likely first, for what another table says
    /// about one.
    /// - Parameters:
    ///   - target: the request.
    ///   - parts: the parts of the other table, in order of priority.
    ///   - look: returns what a part says about a template; `nil` to try the next one.
    package func search<Part, Found>(
        _ target: RequestTarget, in parts: [Part], look: (GraphTemplate, Part) -> Found?
    ) -> Found? {
        RequestClassifier(tables: tables).search(target, in: parts, look: look)
    }

    /// Returns the text of a template: `/users/{user-id}/messages`.
    package func text(of template: GraphTemplate) -> String { tables.paths.text(of: template.number) }

    /// Identifies the guard's tree of paths to tables that refer to templates by their numbers.
    package var pathsFingerprint: UInt64 { tables.paths.fingerprint }

    /// Returns the verdict on a request.
    /// - Parameters:
    ///   - request: the request as it will be sent.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    public func judge(_ request: GuardedRequest, policy: GuardPolicy, confirmed: Bool = false) -> Verdict {
        RequestJudge(tables: tables).judge(request, policy: policy, confirmed: confirmed)
    }

    /// Returns the verdict on a PowerShell script.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    public func judge(
        script: String, in context: ScriptContext = ScriptContext(), policy: GuardPolicy, confirmed: Bool = false
    ) -> Verdict {
        ScriptJudge(tables: tables).judge(script, context: context, policy: policy, confirmed: confirmed)
    }

    /// Returns the verdict on a PowerShell script that would run in a session of a module.
    ///
    /// ```swift
    /// let verdict = GuardEngine.standard.judge(script: text, module: .exchangeOnline)
    /// ```
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - module: the module that the session is signed in to.
    ///   - policy: how classes become decisions.
    public func judge(script: String, module: PowerShellModule, policy: GuardPolicy = GuardPolicy()) -> Verdict {
        judge(script: script, in: ScriptContext(module: module.rawValue), policy: policy)
    }

    /// Returns the verdict on a PowerShell script that has already been parsed for another purpose.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: the parsed text.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    package func judge(
        script: String, parsed: ParsedScript, in context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        ScriptJudge(tables: tables).judge(
            script, parsed: parsed, context: context, policy: policy, confirmed: confirmed)
    }

    /// Returns the verdict on a script, and what its session remembers once it has run there.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: the parsed text.
    ///   - context: where it will run, including what the session remembers now.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    package func judgeInSession(
        script: String, parsed: ParsedScript, in context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> (verdict: Verdict, memory: SessionMemory) {
        let question = KnownVerdicts.Question(
            script: script, context: context, policy: policy, isConfirmed: confirmed)
        if let question, let answer = known.answer(to: question) { return answer }
        let judged = ScriptJudge(tables: tables).judged(
            script, parsed: parsed, context: context, policy: policy, confirmed: confirmed)
        if let question { known.note(judged, for: question) }
        return judged
    }
}
