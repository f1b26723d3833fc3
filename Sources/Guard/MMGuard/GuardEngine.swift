public import MMCore
package import PowerShellSyntax
import ShellSyntax

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

/// A step of a path to Microsoft Graph, as the guard reads it.
package struct GraphPathStep: Sendable, Hashable {
    let step: PathStep

    init(_ step: PathStep) { self.step = step }

    /// A name, or a key.
    package static func word(_ name: String) -> GraphPathStep { GraphPathStep(.word(name)) }

    /// The text without parentheses and namespace, in small letters.
    package var name: String { step.name }
    /// Whether it can stand for a key.
    package var isKeyLike: Bool { step.isKeyLike }
    /// Whether it is a plain word: a name or a key.
    package var isWord: Bool { step.kind == .word }
}

/// The tree of paths, for those who advise on a request before it is judged.
extension GuardEngine {
    /// The template that a request names in its version, and whether `/$count` follows; `nil` when no table knows it.
    package func template(of target: RequestTarget) -> (template: GraphTemplate, isCounted: Bool)? {
        guard target.service == .graph else { return nil }
        let readings = PathReader.readings(of: target.segments)
        return RequestClassifier(tables: tables).likeliestMatch(of: readings, target).map {
            (GraphTemplate(number: $0.match.node), $0.match.isCounted)
        }
    }

    /// The ways to write a path, the path itself first, each as steps in small letters.
    package func forms(of target: RequestTarget) -> [[GraphPathStep]] {
        guard target.service == .graph else { return [] }
        return PathReader.readings(of: target.segments).flatMap { PathRewrites.forms(of: $0) }
            .map { $0.map(GraphPathStep.init) }
    }

    /// The names that may follow, in small letters, each with where it leads.
    package func children(of template: GraphTemplate) -> [(name: String, template: GraphTemplate)] {
        tables.paths.children(of: template.number).map { ($0.name, GraphTemplate(number: $0.node)) }
    }

    /// What follows under the names that a step may be written with.
    package func child(of template: GraphTemplate, at step: GraphPathStep) -> GraphTemplate? {
        tables.paths.spellings(of: step.step).lazy
            .compactMap { tables.paths.child(of: template.number, named: $0.text) }.first
            .map(GraphTemplate.init(number:))
    }

    /// What follows under a key.
    package func key(below template: GraphTemplate) -> GraphTemplate? {
        tables.paths.key(below: template.number).map(GraphTemplate.init(number:))
    }

    /// Whether a path may end there, in beta or in v1.0.
    package func isTemplate(_ template: GraphTemplate, inBeta: Bool) -> Bool {
        !tables.paths.flags(template.number).isDisjoint(
            with: inBeta ? [.beta, .permissionBeta] : [.v1, .permissionV1])
    }
}

extension GuardEngine {
    /// The verdict over a shell command.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: how strictly.
    public func judge(shell command: String, in context: ShellContext, policy: GuardPolicy) -> Verdict {
        var memory = ShellMemory()
        return judge(shell: command, in: context, policy: policy, remembering: &memory)
    }

    /// The verdict over a shell command in a session in which others ran before.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: how strictly.
    ///   - memory: what the session wrote before; afterwards also what this text writes.
    package func judge(
        shell command: String, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        let judge = ShellJudge(context: context, memory: memory)
        let findings = judge.findings(in: command)
        memory = judge.record.memory
        return Verdict(findings: findings, policy: policy)
    }

    /// A quote that a command doesn't close, which no shell would run and no person needs to be asked about.
    /// - Returns: what it is and where it begins, both counted from 1; `nil` for any other text.
    package static func unfinishedQuote(in command: String) -> (construct: String, line: Int, column: Int)? {
        do throws(ShellRefusal) {
            _ = try ShellScript.parse(command, as: .whole)
            return nil
        } catch {
            guard error.isUnfinishedQuote else { return nil }
            let before = Array(command.utf8.prefix(error.offset))
            let line = before[(before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
            return (error.construct, error.line, String(decoding: line, as: UTF8.self).count + 1)
        }
    }

    /// The verdict over a text that is typed into a program that runs.
    package func judge(
        typed text: TypedText, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        let judge = ShellJudge(context: context, memory: memory)
        let findings = judge.findings(typed: text)
        memory = judge.record.memory
        return Verdict(findings: findings, policy: policy)
    }

    /// The rules for shell commands, for listing.
    func shellRules() -> [GuardRuleDescription] {
        ShellRule.allCases.map { rule in
            GuardRuleDescription(
                id: rule.rawValue, kind: "shell", guardClass: rule.classes.strictest.rawValue, explanation: rule.reason,
                instead: rule.instead, patterns: [])
        }
    }
}

/// What a session's texts and files have written so far, as far as it is known: a later command that runs such a file is judged
/// by what stands in it.
package struct ShellMemory: Sendable, Hashable {
    /// The texts by the names of their files; `nil` for what nobody has seen.
    ///
    /// The name counts without its folder: by which way a folder is reached can't be told from a text.
    private(set) var files: [String: [String?]] = [:]

    /// Whether the session has named or changed an address that git pushes to.
    var hasNewRemote = false

    /// The functions and aliases that the session has defined, whose texts were judged where they were.
    private(set) var functions: Set<String> = []
    private(set) var aliases: Set<String> = []

    private static let mostFiles = 200
    private static let mostBytes = 256 << 10

    /// Nothing was written.
    package init() {}

    /// Notes a file.
    /// - Parameters:
    ///   - path: the file as it was named.
    ///   - text: what it holds; `nil` for what can't be told.
    ///   - isWhole: whether what it held before is gone.
    package mutating func note(_ path: String, _ text: String?, isWhole: Bool = false) {
        let name = Self.name(path)
        guard !name.isEmpty else { return }
        let kept = text.flatMap { $0.utf8.count > Self.mostBytes ? nil : $0 }
        var texts = files[name] ?? []
        // Files of one name may lie in several folders: what one of them held before still counts, up to a few.
        if !texts.contains(kept) { texts.append(kept) }
        if !isWhole, let first = texts.first, let first, let kept, texts.count > 1 { texts.append(first + kept) }
        files[name] = texts.count > 8 ? [nil] : texts
        if files.count > Self.mostFiles { files = [name: files[name] ?? []] }
    }

    /// Notes what a text defines.
    mutating func note(functions names: [String]) {
        if functions.count > Self.mostFiles { functions = [] }
        functions.formUnion(names)
    }

    /// Notes the names of aliases: of `name=text`, what stands before the sign.
    mutating func note(aliases words: [String]) {
        if aliases.count > Self.mostFiles { aliases = [] }
        aliases.formUnion(words.filter { $0.contains("=") }.map { String($0.prefix { $0 != "=" }) })
    }

    /// What a name that is run may stand for; `nil` for one that was never written.
    func texts(of path: String) -> [String?]? { files[Self.name(path)] }

    /// What a file is called, without its folder.
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }
}
