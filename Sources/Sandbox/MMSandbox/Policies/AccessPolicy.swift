internal import MMCore

/// A Conditional Access policy: for whom and where it holds, and what it asks for.
struct AccessPolicy: Sendable {
    /// What a sign-in must show.
    enum Grant: String, Sendable, CaseIterable {
        /// Nothing would do.
        case block
        /// A second factor.
        case mfa
        /// A device that the tenant knows.
        case registeredDevice
        /// A device that the tenant manages and finds in order.
        case compliantDevice
        /// A device that is joined to the tenant's domain.
        case joinedDevice
        /// A step at somebody else's: another maker's second factor, terms of use.
        case external
    }

    let id: Int
    let name: String
    /// Addresses or object ids; nil for everybody.
    let users: Set<String>?
    /// Ids of apps; nil for all.
    let apps: Set<String>?
    /// The ways to sign in that it speaks of. A refresh counts as the way that its session began with.
    let flows: Set<SignInFlow>
    /// Where it holds; nil for everywhere.
    let locations: Set<String>?
    /// Where it doesn't hold.
    let exceptLocations: Set<String>
    let grant: Grant?
    /// How many seconds after a sign-in the next one is due.
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

    /// Some words, in small letters; nil for `All` and for a field that isn't there.
    private static func words(_ name: String, _ description: JSONObject) throws(PolicyProblem) -> Set<String>? {
        guard let value = description[name], !value.isNull else { return nil }
        guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
            throw PolicyProblem("'\(name)' must be a list of words.")
        }
        let words = Set(items.compactMap { $0.string?.lowercased() })
        return words.contains("all") ? nil : words
    }

    /// Whether it speaks of a sign-in.
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

/// What is wrong with the description of a policy, or of the surroundings.
struct PolicyProblem: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
