internal import MMCore

/// A Conditional Access policy: its conditions, and the control that it requires.
struct AccessPolicy: Sendable {
    /// The control that a sign-in must satisfy.
    enum Grant: String, Sendable, CaseIterable {
        /// None: access is blocked.
        case block
        /// A second factor.
        case mfa
        /// A device that is registered in the tenant.
        case registeredDevice
        /// A device that the tenant manages and that is compliant.
        case compliantDevice
        /// A device that is joined to the tenant's domain.
        case joinedDevice
        /// A step at an external provider: another vendor's second factor, terms of use.
        case external
    }

    let id: Int
    let name: String
    /// The addresses or object ids of the users; nil for everybody.
    let users: Set<String>?
    /// The ids of the apps; nil for all.
    let apps: Set<String>?
    /// The sign-in flows that it covers. A refresh counts as the flow that its session began with.
    let flows: Set<SignInFlow>
    /// The locations where it applies; nil for everywhere.
    let locations: Set<String>?
    /// The locations where it doesn't apply.
    let exceptLocations: Set<String>
    let grant: Grant?
    /// The time in seconds after which a new sign-in is required.
    let frequency: Int64?

    private static let fields: Set<String> = [
        "name", "users", "apps", "flows", "locations", "exceptLocations", "grant", "frequency",
    ]

    /// Reads a policy.
    /// - Throws: a sentence that says what is wrong with its description.
    init(id: Int, _ description: JSONObject) throws(PolicyProblem) {
        for name in description.keys where !Self.fields.contains(name) {
            throw PolicyProblem(
                "'\(name)' is not a field of a policy; there are \(Self.fields.sorted().joined(separator: ", ")).")
        }
        self.id = id
        name = description["name"]?.string ?? "Policy \(id)"
        users = try Self.words("users", description)
        apps = try Self.words("apps", description)
        locations = try Self.words("locations", description)
        exceptLocations = try Self.words("exceptLocations", description) ?? []
        var flows = Set(SignInFlow.allCases)
        if let words = try Self.words("flows", description) {
            flows = []
            for word in words {
                guard let flow = SignInFlow(rawValue: word) else {
                    throw PolicyProblem(
                        "'flows' may hold \(SignInFlow.allCases.map(\.rawValue).joined(separator: ", ")).")
                }
                flows.insert(flow)
            }
        }
        self.flows = flows
        var grant: Grant?
        if let word = description["grant"]?.string {
            grant = Grant(rawValue: word)
            guard grant != nil else {
                throw PolicyProblem("'grant' is one of \(Grant.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
        }
        self.grant = grant
        var frequency: Int64?
        if let value = description["frequency"], !value.isNull {
            guard let seconds = value.int, seconds >= 0 else {
                throw PolicyProblem("'frequency' is a number of seconds.")
            }
            frequency = Int64(seconds)
        }
        self.frequency = frequency
        guard grant != nil || frequency != nil else {
            throw PolicyProblem("A policy asks for something: give it 'grant' or 'frequency'.")
        }
    }

    /// Returns words in lower case; nil for `All` and for a missing field.
    private static func words(_ name: String, _ description: JSONObject) throws(PolicyProblem) -> Set<String>? {
        guard let value = description[name], !value.isNull else { return nil }
        guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
            throw PolicyProblem("'\(name)' must be a list of words.")
        }
        let words = Set(items.compactMap { $0.string?.lowercased() })
        return words.contains("all") ? nil : words
    }

    /// Returns whether the policy applies to a sign-in.
    func applies(to attempt: SignInAttempt, in surroundings: Surroundings) -> Bool {
        guard flows.contains(attempt.flow), apps?.contains(attempt.appID) ?? true else { return false }
        if let users, users.isDisjoint(with: attempt.names) { return false }
        let place = surroundings.location.lowercased()
        return locations?.contains(place) ?? true && !exceptLocations.contains(place)
    }

    var json: JSONValue {
        func list(_ words: Set<String>?) -> JSONValue {
            words.map { .array($0.sorted().map { .string($0) }) } ?? ["All"]
        }
        return [
            "id": .int(Int64(id)), "name": .string(name), "users": list(users), "apps": list(apps),
            "flows": list(Set(flows.map(\.rawValue))), "locations": list(locations),
            "exceptLocations": list(exceptLocations), "grant": grant.map { .string($0.rawValue) } ?? .null,
            "frequency": frequency.map { .int($0) } ?? .null,
        ]
    }
}

/// The problem with the description of a policy, or of the surroundings.
struct PolicyProblem: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// A sign-in flow, as policies distinguish it.
enum SignInFlow: String, Sendable, CaseIterable {
    /// A code that is entered elsewhere, which says nothing about the device of the sign-in.
    case device
    /// A browser on the machine itself.
    case browser
    /// An app by itself.
    case app
}

/// An attempt to sign in.
struct SignInAttempt: Sendable {
    let flow: SignInFlow
    let appID: String
    /// The names of the account in policies: its address and its object id, in lower case; the app's id for an app.
    let names: Set<String>
}

/// The facts about a session from its beginning; its refresh tokens carry them on.
struct SignInSession: Sendable {
    let flow: SignInFlow
    /// The time of the sign-in.
    let began: Int64
    let device: Surroundings.Device
    let hasSecondFactor: Bool
    let hasExternalStep: Bool
}

/// The network and the device of the tenant's people.
struct Surroundings: Sendable {
    /// The state of a device in the tenant.
    enum Device: String, Sendable, CaseIterable {
        case unknown, registered, compliant, joined
    }

    /// The device that browsers run on.
    var device = Device.unknown
    /// The name of the network that requests come from.
    var location = "office"

    /// Applies the changes in a description.
    /// - Throws: a sentence that says what is wrong with it.
    mutating func change(_ description: JSONObject) throws(PolicyProblem) {
        for (name, value) in description {
            switch (name, value.string) {
            case ("location", let word?) where !word.isEmpty: location = word
            case ("device", let word?):
                guard let known = Device(rawValue: word) else {
                    throw PolicyProblem(
                        "'device' is one of \(Device.allCases.map(\.rawValue).joined(separator: ", ")).")
                }
                device = known
            default: throw PolicyProblem("There are 'device' and 'location', a word each; not '\(name)'.")
            }
        }
    }

    var json: JSONValue { ["device": .string(device.rawValue), "location": .string(location)] }
}

/// The policies that apply to every sign-in of the tenant, in all flows.
final class AccessPolicies {
    private(set) var policies: [AccessPolicy] = []
    var surroundings = Surroundings()
    private var lastID = 0

    /// Adds a policy.
    /// - Throws: a sentence that says what is wrong with its description.
    func add(_ description: JSONObject) throws(PolicyProblem) -> AccessPolicy {
        let policy = try AccessPolicy(id: lastID + 1, description)
        lastID += 1
        policies.append(policy)
        return policy
    }

    /// Removes all policies and resets the surroundings.
    func clear() {
        policies = []
        surroundings = Surroundings()
    }

    /// Returns the session of a person who signs in now: a browser provides the second factor and any further required
    /// step.
    /// - Throws: the service's error if a policy refuses the sign-in.
    func begin(_ attempt: SignInAttempt, at now: Int64) throws(TokenFault) -> SignInSession {
        let asked = Set(applying(to: attempt).compactMap(\.grant))
        let session = SignInSession(
            flow: attempt.flow, began: now, device: attempt.flow == .browser ? surroundings.device : .unknown,
            hasSecondFactor: asked.contains(.mfa),
            hasExternalStep: attempt.flow == .browser && asked.contains(.external))
        try check(attempt, session, at: now, isRefresh: false)
        return session
    }

    /// Checks a session again, for a new token.
    /// - Throws: the service's error if a policy requires more than the session has shown.
    func goOn(_ attempt: SignInAttempt, _ session: SignInSession, at now: Int64) throws(TokenFault) {
        try check(attempt, session, at: now, isRefresh: true)
    }

    /// Checks an app that signs in by itself: it has no device and no second factor, so only a block affects it.
    func checkApp(_ attempt: SignInAttempt) throws(TokenFault) {
        if applying(to: attempt).contains(where: { $0.grant == .block }) { throw KnownTokenFaults.fault(53_003) }
    }

    private func applying(to attempt: SignInAttempt) -> [AccessPolicy] {
        policies.filter { $0.applies(to: attempt, in: surroundings) }
    }

    private func check(
        _ attempt: SignInAttempt, _ session: SignInSession, at now: Int64, isRefresh: Bool
    ) throws(TokenFault) {
        let applying = applying(to: attempt)
        let asked = Set(applying.compactMap(\.grant))
        if asked.contains(.block) { throw KnownTokenFaults.fault(53_003) }
        if asked.contains(.compliantDevice), session.device != .compliant {
            throw KnownTokenFaults.fault(session.device == .unknown ? 530_003 : 53_000)
        }
        if asked.contains(.joinedDevice), session.device != .joined { throw KnownTokenFaults.fault(53_001) }
        if asked.contains(.registeredDevice), session.device == .unknown { throw KnownTokenFaults.fault(50_097) }
        if asked.contains(.mfa), !session.hasSecondFactor { throw KnownTokenFaults.fault(50_076) }
        if asked.contains(.external), !session.hasExternalStep { throw KnownTokenFaults.fault(50_158) }
        if isRefresh, applying.contains(where: { policy in policy.frequency.map { now - session.began > $0 } ?? false })
        {
            throw KnownTokenFaults.fault(70_043)
        }
    }
}
