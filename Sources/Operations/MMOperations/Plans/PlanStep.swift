import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// One step of a plan: the exact act, the guard's decision, the change, and the object's state for which it was judged.
struct PlanStep: Sendable {
    /// The act of a step.
    enum Act: Sendable {
        /// A request to the service that it names.
        case request(GraphRequestText)
        /// A cmdlet of Exchange or of the compliance service.
        case command(ExchangeCommand, at: ExchangeService)
        /// An undo of the journal entry with this id; the lines describe the requests that it sends.
        case undo(String, sends: [String])
    }

    /// A request as it is stored: every byte that would be sent, without an access token.
    struct GraphRequestText: Sendable, Hashable {
        let resource: String
        let method: String
        /// Path and query, after the host's origin where the service has several hosts.
        let address: String
        let headers: [String: String]
        let body: [UInt8]?
        let contentType: String?
    }

    /// The index of the plan's call to which it belongs.
    let call: Int
    /// The step of a recipe or an own tool, if it is one.
    let part: String?
    let connection: String
    /// The service, named like a session's module: `graph-api`, `exo`.
    let module: String
    let act: Act
    let guardClass: GuardClass
    var decision: GuardDecision
    var reason: String
    /// The change; `nil` where it is not known.
    let change: Change?
    /// The object's state when the step was judged.
    let state: PlanState

    /// Counts the objects that steps change.
    static func objects(of steps: [PlanStep]) -> Int { Set(steps.flatMap(\.objects)).count }

    /// The objects that the act changes, by what it would send: `change` is only what the file says about it, and
    /// whoever wrote the file can name one object for all steps.
    private var objects: Set<String> {
        switch act {
        case .request(let text):
            let request = text.guarded
            let found = request.map { GuardEngine.standard.classify($0).objects } ?? []
            let host = request?.target.writtenOrigin ?? text.resource
            return Set((found.isEmpty ? [text.address.lowercased()] : found).map { "\(host) \($0)" })
        case .command(let command, let service):
            // A new object, and one that only its cmdlet knows, has the place of all others of its kind.
            let place = Change(command, at: service).flatMap { change in
                [.creation, .action].contains(change.kind) ? nil : change.place
            }
            return ["\(service.rawValue) \((place ?? command.line).lowercased())"]
        case .undo(let entry, _): return ["undo \(entry)"]
        }
    }

    /// The act in one line.
    var line: String {
        switch act {
        case .request(let request): VisibleText.exact("\(request.method) \(request.address)")
        case .command(let command, _): VisibleText.exact(command.line)
        case .undo(let entry, _): "undo \(entry)"
        }
    }

    /// The full text of the act, to which an approval is bound.
    var whole: String {
        switch act {
        case .request, .command: line
        case .undo(_, let lines): ([line] + lines.map { "  " + $0 }).joined(separator: "\n")
        }
    }

    /// The body of a request, as it is shown; `null` for other acts.
    var body: JSONValue {
        guard case .request(let request) = act, let body = request.body else { return .null }
        if let value = try? JSONParser.parse(body) { return value }
        return .string(
            String(validating: body, as: UTF8.self).flatMap { $0.utf8.count > Self.longestText ? nil : $0 }
                ?? "\(body.count) bytes, SHA-256 \(Hex.text(SHA256.digest(body)))")
    }

    /// The maximum length of a text in bytes; longer ones are shown by their digest.
    private static let longestText = 4_096

    /// The change with the object's name.
    var title: String { change?.title ?? "sends \(line)" }
}

extension PlanStep.GraphRequestText {
    /// The request as the guard judges it, whatever connection it is for; `nil` for a service that doesn't exist.
    fileprivate var guarded: GuardedRequest? {
        guard let service = PlanService(word: resource)?.service(of: address),
            let target = try? RequestTarget(
                parsing: address, service: service, allowedHosts: WebAddress(address).map { [$0.origin] } ?? [])
        else { return nil }
        return GuardedRequest(method: method, target: target, body: RequestBody(bytes: body ?? []))
    }
}

/// The state of an object when a step was judged, to determine later whether it is unchanged.
struct PlanState: Sendable, Hashable {
    /// Whether the state before could be read.
    var isKnown = false
    /// The properties that the step touches.
    var before: JSONValue?
    /// The version of the object, where the service has versions.
    var etag: String?
    /// Whether a reference existed.
    var isPresent: Bool?
    /// The ids of the existing objects that match the one that the step creates.
    var alike: [String]?

    /// The digest by which states are compared.
    var digest: String { Hex.text(SHA256.digest(CanonicalJSON.bytes(json))) }

    var json: JSONValue {
        var object: JSONObject = ["known": .bool(isKnown)]
        object["before"] = before
        object["etag"] = etag.map { .string($0) }
        object["present"] = isPresent.map { .bool($0) }
        object["alike"] = alike.map { .array($0.sorted().map { .string($0) }) }
        return .object(object)
    }

    init() {}

    init?(json: JSONValue) {
        guard let known = json["known"]?.bool else { return nil }
        isKnown = known
        before = json["before"]
        etag = json["etag"]?.string
        isPresent = json["present"]?.bool
        alike = json["alike"]?.array?.compactMap(\.string)
    }
}

extension PlanStep {
    /// The JSON form in the plan.
    var json: JSONValue {
        var object: JSONObject = [
            "call": .int(Int64(call)), "connection": .string(connection), "module": .string(module),
            "class": .string(guardClass.rawValue), "verdict": .string(decision.rawValue), "reason": .string(reason),
            "state": state.json,
        ]
        object["part"] = part.map { .string($0) }
        object["change"] = change?.json
        for (name, value) in act.json.object ?? [:] { object[name] = value }
        return .object(object)
    }

    /// Reads the form that `json` makes; `nil` for anything else.
    init?(json: JSONValue) {
        guard let call = json["call"]?.int, let connection = json["connection"]?.string,
            let module = json["module"]?.string,
            let guardClass = json["class"]?.string.flatMap(GuardClass.init(rawValue:)),
            let decision = json["verdict"]?.string.flatMap(GuardDecision.init(rawValue:)),
            let reason = json["reason"]?.string, let state = json["state"].flatMap(PlanState.init(json:)),
            let act = Act(json: json)
        else { return nil }
        self.init(
            call: call, part: json["part"]?.string, connection: connection, module: module, act: act,
            guardClass: guardClass, decision: decision, reason: reason,
            change: json["change"].flatMap(Change.init(json:)), state: state)
    }
}

extension PlanStep.Act {
    /// The act, under the name of its kind.
    var json: JSONValue {
        switch self {
        case .request(let request):
            var sent: JSONObject = [
                "resource": .string(request.resource), "method": .string(request.method),
                "address": .string(request.address),
                "headers": .object(JSONObject(request.headers.map { ($0.key, .string($0.value)) })),
            ]
            // A body that is not text is stored as Base64.
            if let body = request.body {
                if let text = String(validating: body, as: UTF8.self) {
                    sent["body"] = .string(text)
                } else {
                    sent["bytes"] = .string(Base64.text(body))
                }
            }
            sent["contentType"] = request.contentType.map { .string($0) }
            return ["request": .object(sent)]
        case .command(let command, let service):
            return [
                "command": [
                    "service": .string(service.rawValue), "cmdlet": .string(command.cmdlet),
                    "parameters": .object(command.parameters),
                    "headers": .object(JSONObject(command.headers.map { ($0.key, .string($0.value)) })),
                    "customRouting": .bool(command.usesCustomRouting),
                    "properties": .array(command.properties.map { .string($0) }),
                ]
            ]
        case .undo(let entry, let lines):
            return ["undo": ["entry": .string(entry), "sends": .array(lines.map { .string($0) })]]
        }
    }

    fileprivate init?(json: JSONValue) {
        func texts(_ value: JSONValue?) -> [String: String] {
            var texts: [String: String] = [:]
            for (name, text) in value?.object ?? [:] { texts[name] = text.string }
            return texts
        }
        if let sent = json["request"] {
            guard let resource = sent["resource"]?.string, let method = sent["method"]?.string,
                let address = sent["address"]?.string
            else { return nil }
            self = .request(
                .init(
                    resource: resource, method: method, address: address, headers: texts(sent["headers"]),
                    body: sent["body"]?.string.map { Array($0.utf8) }
                        ?? sent["bytes"]?.string.flatMap { Base64.bytes($0) },
                    contentType: sent["contentType"]?.string))
        } else if let sent = json["command"] {
            guard let service = sent["service"]?.string.flatMap(ExchangeService.init(rawValue:)),
                let cmdlet = sent["cmdlet"]?.string, let parameters = sent["parameters"]?.object
            else { return nil }
            var command = ExchangeCommand(cmdlet, parameters)
            command.headers = texts(sent["headers"])
            command.usesCustomRouting = sent["customRouting"]?.bool ?? false
            command.properties = sent["properties"]?.array?.compactMap(\.string) ?? []
            self = .command(command, at: service)
        } else if let undo = json["undo"] {
            guard let entry = undo["entry"]?.string else { return nil }
            self = .undo(entry, sends: undo["sends"]?.array?.compactMap(\.string) ?? [])
        } else {
            return nil
        }
    }
}
