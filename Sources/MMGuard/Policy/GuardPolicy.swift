public import MMCore

/// How the classes of a connection become decisions.
public struct GuardPolicy: Sendable, Hashable {
    /// The policies to start from.
    ///
    /// - `standard`: read and plain write go on; everything that reaches further is asked for; sign-in changes are denied.
    /// - `strict`: only reading goes on; secrets, privileges and what can't be read are denied, the rest is asked for.
    /// - `readonly`: only reading goes on; everything else is denied.
    public typealias Name = GuardPolicyName

    /// The policy to start from.
    public var name: Name
    /// Decisions of single classes, in place of the policy's.
    public var overrides: [GuardClass: GuardDecision]
    /// The decision for what can't be told from the text; never weaker than ask. `nil`: the policy's.
    public var dynamic: GuardDecision?
    /// Whether commands and requests that send messages are asked about: on unless the connection's `skipSendGuards` or
    /// `MM_SEND_GUARDS` switches it off.
    public var sendGuards: Bool
    /// Whether commands of the warned list run with a warning instead of being asked about.
    public var warnsOnly: Bool
    /// Whether `confirmed: true` confirms sending a message. Otherwise a word in a request confirms nothing.
    public var honoursConfirmed: Bool

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

    /// The policy of a connection.
    /// - Parameters:
    ///   - connection: its `guard` and `skipSendGuards`.
    ///   - environment: for `MM_SEND_GUARDS`.
    ///   - allowances: what the caller's protocol lets through.
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
        self.init(
            own.name, overrides: overrides, dynamic: dynamic,
            sendGuards: !connection.skipSendGuards && Self.sendGuardsEnabled(environment: environment),
            warnsOnly: allowances.contains(.warnedCommands),
            honoursConfirmed: allowances.contains(.confirmedParameter) && connection.legacyConfirm)
    }

    /// The policy of a new connection.
    public static let standard = GuardPolicy()

    /// The decision for one class.
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

    /// The decision for several classes: the strongest of theirs.
    public func decision(forAll classes: GuardClassSet) -> GuardDecision {
        classes.classes.map { decision(for: $0) }.max() ?? .allow
    }

    /// The decision for a finding.
    /// - Parameter confirmed: the caller said `confirmed: true`.
    public func decision(for finding: GuardFinding, confirmed: Bool = false) -> GuardDecision {
        max(decision(byKind: finding, confirmed: confirmed), finding.atLeast ?? .allow)
    }

    private func decision(byKind finding: GuardFinding, confirmed: Bool) -> GuardDecision {
        let byClass = decision(forAll: finding.classes)
        switch finding.kind {
        case .classified: return byClass
        case .dynamic: return max(byClass, dynamic ?? (name == .standard ? .ask : .deny), .ask)
        case .unknown: return max(byClass, name == .readonly ? .deny : .ask)
        case .blocked, .missing, .broken: return .deny
        case .warned:
            if warnsOnly, name == .standard, byClass != .deny { return .allow }
            return max(byClass, .ask)
        case .sendGuard:
            let rest = decision(forAll: finding.classes.subtracting(.send))
            if byClass == .deny { return .deny }
            if !sendGuards { return rest }
            if confirmed, honoursConfirmed { return rest }
            return max(byClass, .ask)
        }
    }

    /// Whether `MM_SEND_GUARDS` leaves the send guards on: only the text `false` switches them off.
    public static func sendGuardsEnabled(environment: [String: String]) -> Bool {
        environment["MM_SEND_GUARDS"]?.lowercased() != "false"
    }
}
