import MMCore
import MMGuard

/// The changes that calls would make, request by request, with the guard's decisions and the states of the objects: a
/// value that is shown, approved and carried out exactly so, on this machine or another one.
struct Plan: Sendable {
    /// The format of a plan's file; a file of another format is refused.
    static let form = "mm plan 1"
    /// The default validity of a plan.
    static let usual = Duration.seconds(24 * 3600)

    /// A call as it was planned.
    struct Call: Sendable, Hashable {
        /// The operation's name.
        let tool: String
        let arguments: JSONObject
    }

    /// The tenant and account that a connection's name stood for.
    struct Place: Sendable, Hashable {
        let connection: String
        /// The tenant's id.
        let tenant: String
        /// The other settings of the connection that determine where requests go and as which account.
        let identity: String
    }

    /// A random value that makes each plan unique, also plans of the same changes.
    let nonce: String
    /// The time at which it was made.
    let made: Timestamp
    /// The end of its validity.
    let until: Timestamp
    /// The person or client that made it.
    let by: String
    let calls: [Call]
    let places: [Place]
    var steps: [PlanStep]
    /// The reason why the plan ends before all requests of the calls are known; `nil` for a complete plan.
    let open: String?
    /// The digest of the earlier plan of the same calls that this plan completes; the steps carried out of it are not
    /// part of this plan.
    var after: String?
    /// The time at which the first of these plans was made.
    var started: Timestamp?

    /// The digest of its canonical bytes, by which approvals and receipts name it.
    var digest: String { Hex.text(SHA256.digest(CanonicalJSON.bytes(json))) }

    /// A short name, for commands.
    var id: String { Self.id(digest) }

    static func id(_ digest: String) -> String { "pln_" + digest.prefix(12) }

    /// The connections in the order of their first steps.
    var connections: [String] { places.map(\.connection) }

    /// Whether a person has to approve it, judging by the plan alone: its connections may demand more by the time it is
    /// applied.
    var asks: Bool {
        places.count > 1 || steps.contains { $0.decision == .ask } || PlanStep.objects(of: steps) > TargetCount.few
    }
}

extension Plan {
    /// The JSON form in the file.
    var json: JSONValue {
        var object: JSONObject = [
            "form": .string(Self.form), "nonce": .string(nonce), "made": .string(made.iso8601),
            "until": .string(until.iso8601),
            "by": .string(by),
            "calls": .array(calls.map { ["tool": .string($0.tool), "arguments": .object($0.arguments)] }),
            "places": .array(
                places.map {
                    [
                        "connection": .string($0.connection), "tenant": .string($0.tenant),
                        "identity": .string($0.identity),
                    ]
                }),
            "steps": .array(steps.map(\.json)),
        ]
        object["open"] = open.map { .string($0) }
        object["after"] = after.map { .string($0) }
        object["started"] = started.map { .string($0.iso8601) }
        return .object(object)
    }

    /// Reads a plan.
    /// - Throws: `invalidInput` for a plan of another format or with missing parts.
    init(json: JSONValue) throws(MMError) {
        guard json["form"]?.string == Self.form else {
            throw MMError(
                .invalidInput,
                "This version of mm can't read the plan's format: \(json["form"]?.string ?? "none given").",
                hint: "Make a new plan.")
        }
        func lacking(_ what: String) -> MMError {
            MMError(.invalidInput, "The plan's \(what) can't be read.", hint: "Make a new plan.")
        }
        guard let made = json["made"]?.string.flatMap(Timestamp.init(iso8601:)),
            let until = json["until"]?.string.flatMap(Timestamp.init(iso8601:)), let by = json["by"]?.string,
            let nonce = json["nonce"]?.string
        else { throw lacking("beginning") }
        (self.made, self.until, self.by, self.nonce) = (made, until, by, nonce)
        open = json["open"]?.string
        after = json["after"]?.string
        started = json["started"]?.string.flatMap(Timestamp.init(iso8601:))
        var calls: [Call] = []
        for call in json["calls"]?.array ?? [] {
            guard let tool = call["tool"]?.string, let arguments = call["arguments"]?.object else {
                throw lacking("calls")
            }
            calls.append(Call(tool: tool, arguments: arguments))
        }
        self.calls = calls
        var places: [Place] = []
        for place in json["places"]?.array ?? [] {
            guard let name = place["connection"]?.string, let tenant = place["tenant"]?.string,
                let identity = place["identity"]?.string
            else { throw lacking("connections") }
            places.append(Place(connection: name, tenant: tenant, identity: identity))
        }
        self.places = places
        var steps: [PlanStep] = []
        for (index, step) in (json["steps"]?.array ?? []).enumerated() {
            guard let read = PlanStep(json: step), places.contains(where: { $0.connection == read.connection }) else {
                throw lacking("step \(index + 1)")
            }
            steps.append(read)
        }
        self.steps = steps
    }
}

/// JSON with exactly one text for each value: members sorted by name, no whitespace.
enum CanonicalJSON {
    static func bytes(_ value: JSONValue) -> [UInt8] { JSONWriter.bytes(sorted(value)) }

    static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                JSONObject(
                    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
                        ($0.key, sorted($0.value))
                    }))
        case .array(let items): .array(items.map(sorted))
        default: value
        }
    }
}
