public import MMCore

/// The rules by which the classes of an action become a decision on a connection.
public struct GuardPolicy: Sendable, Hashable {
    /// The policies from which a connection's policy is derived.
    ///
    /// - `standard`: reading and ordinary writes proceed; everything with further effects requires confirmation;
    ///   changes of the sign-in are denied.
    /// - `strict`: only reading proceeds; secrets, privileges and unreadable constructs are denied, the rest requires
    ///   confirmation.
    /// - `readonly`: only reading proceeds; everything else is denied.
    public typealias Name = GuardPolicyName

    /// The policy from which this one is derived.
    public var name: Name
    /// Decisions for individual classes, instead of the policy's.
    public var overrides: [GuardClass: GuardDecision]
    /// The decision for code whose effects the text doesn't show; never weaker than `ask`. `nil` for the policy's own
    /// decision.
    public var dynamic: GuardDecision?
    /// Whether commands and requests that send messages are asked about: on unless the connection's `skipSendGuards`
    /// switches it off, or `MM_SEND_GUARDS` does where the connection's owner honours `confirmed: true`.
    public var sendGuards: Bool
    /// Whether commands of the warned list run with a warning instead of requiring confirmation, except those of
    /// classes that the connection's entry wants a question about.
    public var warnsOnly: Bool
    /// The number of people that the connection demands.
    package var approvals = ConnectionApprovals()
    /// The checks that the connection demands of a person.
    package var personChecks = ConnectionPersonChecks()
    /// Whether `confirmed: true` confirms sending a message. Otherwise nothing in a request confirms anything.
    public var honoursConfirmed: Bool
    /// The connection whose policy it is, if it is one's.
    private var connection: String?

    public init(
        _ name: Name = .standard, overrides: [GuardClass: GuardDecision] = [:], dynamic: GuardDecision? = nil,
        sendGuards: Bool = true, warnsOnly: Bool = false, honoursConfirmed: Bool = false
    ) {
        self.name = name
        self.overrides = overrides
        self.dynamic = dynamic
        self.sendGuards = sendGuards
        self.warnsOnly = warnsOnly
        self.honoursConfirmed = honoursConfirmed
    }

    /// Creates the policy of a connection.
    /// - Parameters:
    ///   - connection: the connection with its `guard` and `skipSendGuards` settings.
    ///   - environment: the environment, for `MM_SEND_GUARDS`.
    ///   - allowances: the exceptions of the caller's protocol.
    public init(
        of connection: Connection, environment: [String: String], allowances: GuardAllowances = []
    ) {
        let own = connection.guardPolicy
        var overrides: [GuardClass: GuardDecision] = [:]
        var dynamic: GuardDecision?
        for (words, decision) in [(own.allow, GuardDecision.allow), (own.ask, .ask), (own.deny, .deny)] {
            for word in words {
                if word.lowercased() == "dynamic" { dynamic = max(decision, dynamic ?? .ask) }
                guard let one = GuardClass(word: word) else { continue }
                overrides[one] = max(decision, overrides[one] ?? .allow)
            }
        }
        let honoursConfirmed = allowances.contains(.confirmedParameter) && connection.legacyConfirm
        // Whoever makes a call can set a variable, and so it is worth no more than `confirmed: true` in the call.
        let isSwitchedOff = honoursConfirmed && environment["MM_SEND_GUARDS"]?.lowercased() == "false"
        self.init(
            own.name, overrides: overrides, dynamic: dynamic, sendGuards: !connection.skipSendGuards && !isSwitchedOff,
            warnsOnly: allowances.contains(.warnedCommands), honoursConfirmed: honoursConfirmed)
        approvals = own.approvals
        personChecks = connection.personChecks
        self.connection = connection.name
    }

    /// The policy of a new connection.
    public static let standard = GuardPolicy()

    /// Returns the decision for one class.
    public func decision(for one: GuardClass) -> GuardDecision {
        if let own = overrides[one] { return own }
        switch (name, one) {
        case (_, .read): return .allow
        case (.readonly, _), (_, .session): return .deny
        case (.standard, .write): return .allow
        case (.strict, .secret), (.strict, .privilege): return .deny
        default: return .ask
        }
    }

    /// Returns the decision for several classes: the strongest one.
    public func decision(forAll classes: GuardClassSet) -> GuardDecision {
        classes.classes.map { decision(for: $0) }.max() ?? .allow
    }

    /// Returns the decision for a finding.
    /// - Parameter confirmed: whether the caller passed `confirmed: true`.
    public func decision(for finding: GuardFinding, confirmed: Bool = false) -> GuardDecision {
        max(decision(byKind: finding, confirmed: confirmed), finding.minimumDecision ?? .allow)
    }

    /// Returns how a connection's owner can change the settings that deny a finding; `nil` where every connection's
    /// policy, or another rule, denies it.
    func remedy(for finding: GuardFinding) -> String? {
        var usual = self
        (usual.name, usual.overrides, usual.dynamic) = (.standard, [:], nil)
        guard let connection, decision(for: finding) == .deny, usual.decision(for: finding) != .deny else { return nil }
        let named = ShellWord.quoted(connection)
        let words = finding.classes.classes.filter { overrides[$0] == .deny }.map(\.rawValue)
        guard words.isEmpty else {
            return "The settings of \(connection) deny \(words.joined(separator: ", ")). Its owner can change them: "
                + "mm connections show \(named), mm connections edit \(named)."
        }
        return "\(connection) is \(name.rawValue). Its owner can change that: "
            + "mm connections edit \(named) --guard standard."
    }

    private func decision(byKind finding: GuardFinding, confirmed: Bool) -> GuardDecision {
        let byClass = decision(forAll: finding.classes)
        switch finding.kind {
        case .classified: return byClass
        case .dynamic: return max(byClass, dynamic ?? (name == .standard ? .ask : .deny), .ask)
        case .unknown: return max(byClass, name == .readonly ? .deny : .ask)
        case .blocked, .missing, .broken: return .deny
        case .earlierBlocked: return warnsOnly ? .deny : byClass
        case .warned:
            if warnsOnly, name == .standard, byClass != .deny, !isAskedByEntry(finding.classes) { return .allow }
            return max(byClass, .ask)
        case .sendGuard:
            let rest = decision(forAll: finding.classes.subtracting(.send))
            if byClass == .deny { return .deny }
            if !sendGuards { return rest }
            if confirmed, honoursConfirmed { return rest }
            return max(byClass, .ask)
        }
    }

    /// Returns whether the connection's entry itself wants a question about one of the classes, or more than a plain
    /// yes of one person.
    private func isAskedByEntry(_ classes: GuardClassSet) -> Bool {
        let words = classes.classes.map(\.rawValue)
        return classes.classes.contains { overrides[$0] == .ask } || approvals.most(of: words) > 1
            || personChecks.most(of: words) > .form
    }
}

/// The guard's decision. Of several decisions the strongest one counts.
public enum GuardDecision: String, Sendable, Hashable, Comparable, CaseIterable {
    /// It may proceed.
    case allow
    /// A person must confirm it first.
    case ask
    /// It may not proceed, even if confirmed.
    case deny

    private var rank: Int {
        switch self {
        case .allow: 0
        case .ask: 1
        case .deny: 2
        }
    }

    /// Returns whether the left decision is the weaker one.
    public static func < (left: GuardDecision, right: GuardDecision) -> Bool { left.rank < right.rank }
}

/// Exceptions of a caller's protocol: actions that it permits without the confirmation that they otherwise require.
///
/// Callers of the current tools, routes and commands have none of these.
public struct GuardAllowances: OptionSet, Sendable, Hashable {
    /// The allowances as bits.
    public let rawValue: UInt8

    /// Creates allowances from their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Commands of the warned list run with a warning instead of a question.
    package static let warnedCommands = GuardAllowances(rawValue: 1 << 0)
    /// `confirmed: true` in a request confirms sending a message, for connections whose entry says `legacyConfirm`.
    package static let confirmedParameter = GuardAllowances(rawValue: 1 << 1)
}
