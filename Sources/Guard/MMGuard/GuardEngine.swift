public import MMCore
package import PowerShellSyntax

/// The guard: judges the effects of a request or script before anything is started, signed in or sent.
///
/// Creating one is cheap: the tables are part of the program and are read in place.
public struct GuardEngine: Sendable {
    let tables: GuardTables
    /// The recent verdicts. A guard with other rules is another instance with its own.
    private let known = KnownVerdicts()

    /// Creates the guard with the built-in rules and, optionally, the user's own.
    public init(userRules: UserRuleFile = .none) {
        tables = GuardTables(user: userRules)
    }

    /// A guard with the built-in rules only.
    public static let standard = GuardEngine()

    /// Returns the template and class of a request, regardless of any policy.
    package func classify(_ request: GuardedRequest) -> RequestClassification {
        RequestClassifier(tables: tables).classify(request)
    }

    /// Searches another table for the templates that a request to Graph may refer to, most likely template first.
    /// - Parameters:
    ///   - target: the request.
    ///   - parts: the parts of the other table, in order of priority.
    ///   - look: returns the part's entry for a template; `nil` to try the next one.
    package func search<Part, Found>(
        _ target: RequestTarget, in parts: [Part], look: (GraphTemplate, Part) -> Found?
    ) -> Found? {
        RequestClassifier(tables: tables).search(target, in: parts, look: look)
    }

    /// Returns the text of a template: `/users/{user-id}/messages`.
    package func text(of template: GraphTemplate) -> String { tables.paths.text(of: template.number) }

    /// The fingerprint of the guard's tree of paths, for tables that refer to its templates by number.
    package var pathsFingerprint: UInt64 { tables.paths.fingerprint }

    /// Returns the verdict on a request.
    /// - Parameters:
    ///   - request: the request as it will be sent.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    public func judge(_ request: GuardedRequest, policy: GuardPolicy, confirmed: Bool = false) -> Verdict {
        RequestJudge(tables: tables).judge(request, policy: policy, confirmed: confirmed)
    }

    /// Returns the joint verdict on requests that are sent together; `nil` if there are none.
    /// - Parameters:
    ///   - requests: the requests as they will be sent.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`, which only counts where the policy honours it.
    package func judge(_ requests: [GuardedRequest], policy: GuardPolicy, confirmed: Bool = false) -> Verdict? {
        RequestJudge(tables: tables).judge(requests, policy: policy, confirmed: confirmed)
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

/// A step of a path to Microsoft Graph, as the guard reads it.
package struct GraphPathStep: Sendable, Hashable {
    let step: PathStep

    init(_ step: PathStep) { self.step = step }

    /// Returns a step that is a name or a key.
    package static func word(_ name: String) -> GraphPathStep { GraphPathStep(.word(name)) }

    /// The text without parentheses and namespace, in lower case.
    package var name: String { step.name }
    /// Whether it can be a key.
    package var isKeyLike: Bool { step.isKeyLike }
    /// Whether it is a plain word: a name or a key.
    package var isWord: Bool { step.kind == .word }
}

/// The tree of paths, for code that advises on a request before it is judged.
extension GuardEngine {
    /// Returns the template of a request in its version, and whether `/$count` follows; `nil` if no table knows it.
    package func template(of target: RequestTarget) -> (template: GraphTemplate, isCounted: Bool)? {
        guard target.service == .graph else { return nil }
        let readings = PathReader.readings(of: target.segments)
        return RequestClassifier(tables: tables).likeliestMatch(of: readings, target).map {
            (GraphTemplate(number: $0.match.node), $0.match.isCounted)
        }
    }

    /// Returns the ways to write a path, the path itself first, each as steps in lower case.
    package func forms(of target: RequestTarget) -> [[GraphPathStep]] {
        guard target.service == .graph else { return [] }
        return PathReader.readings(of: target.segments).flatMap { PathRewrites.forms(of: $0) }
            .map { $0.map(GraphPathStep.init) }
    }

    /// Returns the names that may follow a template, in lower case, each with the template that it leads to.
    package func children(of template: GraphTemplate) -> [(name: String, template: GraphTemplate)] {
        tables.paths.children(of: template.number).map { ($0.name, GraphTemplate(number: $0.node)) }
    }

    /// Returns the template below that a step leads to, in any of its spellings.
    package func child(of template: GraphTemplate, at step: GraphPathStep) -> GraphTemplate? {
        tables.paths.spellings(of: step.step).lazy
            .compactMap { tables.paths.child(of: template.number, named: $0.text) }.first
            .map(GraphTemplate.init(number:))
    }

    /// Returns the template that a key below leads to.
    package func key(below template: GraphTemplate) -> GraphTemplate? {
        tables.paths.key(below: template.number).map(GraphTemplate.init(number:))
    }

    /// Returns whether a path may end at a template, in beta or in v1.0.
    package func isTemplate(_ template: GraphTemplate, inBeta: Bool) -> Bool {
        !tables.paths.flags(template.number).isDisjoint(
            with: inBeta ? [.beta, .permissionBeta] : [.v1, .permissionV1])
    }
}
