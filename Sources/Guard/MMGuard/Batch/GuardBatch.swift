package import MMCore

/// Judges many scripts, shell commands and requests, one JSON line each: `{"id","src","module"}`, `{"id","shell"}` or
/// `{"id","method","url","body"}` in, `{"id","verdict","class","rule"}` out, with a `reason` for a line that can't be
/// read. `resource` names the service of a path that doesn't show it, `headers` the headers that are sent.
package struct GuardBatch: Sendable {
    private let engine: GuardEngine
    private let policy: GuardPolicy
    private let module: String?
    private let isBehindWire: Bool
    private let place: ShellContext
    private let resource: @Sendable (_ word: String, _ path: String) -> RequestService?
    private let locate: @Sendable (String) -> RequestService?

    /// Creates a batch.
    /// - Parameters:
    ///   - engine: the guard.
    ///   - policy: the connection's policy.
    ///   - module: the module for lines that name none.
    ///   - isBehindWire: whether scripts are judged as in a confined session, where each request is judged when it is
    ///     sent.
    ///   - place: where shell commands would run.
    ///   - resource: returns the service behind a resource to which a path belongs.
    ///   - locate: returns the service at a host.
    package init(
        engine: GuardEngine, policy: GuardPolicy, module: String?, isBehindWire: Bool, place: ShellContext,
        resource: @escaping @Sendable (_ word: String, _ path: String) -> RequestService?,
        locate: @escaping @Sendable (String) -> RequestService?
    ) {
        self.resource = resource
        self.locate = locate
        self.engine = engine
        self.policy = policy
        self.module = module
        self.isBehindWire = isBehindWire
        self.place = place
    }

    /// Returns the answer to one line. A line that can't be read is denied.
    package func judge(line: String) -> String {
        let value: JSONValue
        do {
            value = try JSONParser.parse(line, limits: .strict)
        } catch {
            // Of two equal keys the service might read the one that wasn't judged, so the line is denied; its id is
            // still returned.
            let id = (try? JSONParser.parse(line))?["id"] ?? .null
            return unreadable(id, "the line is not JSON, or names a field twice")
        }
        let id = value["id"] ?? .null
        if let script = value["src"]?.string {
            let given = value["module"] ?? .null
            // A misspelt one would count as none, and no one would notice.
            guard given == .null || given.string.flatMap(KnownModules.product) != nil else {
                return unreadable(id, "module", given, Self.modules)
            }
            let context = ScriptContext(module: given.string ?? module, isBehindWire: isBehindWire)
            let verdict = engine.judge(script: script, in: context, policy: policy)
            return answer(id, verdict.decision, verdict.guardClass.rawValue, verdict.rule)
        }
        if let command = value["shell"]?.string {
            let verdict = engine.judge(shell: command, in: place.reading(command), policy: policy)
            return answer(id, verdict.decision, verdict.guardClass.rawValue, verdict.rule)
        }
        guard let url = value["url"]?.string else {
            return unreadable(id, Self.fields)
        }
        let (method, headers) = (value["method"] ?? .null, value["headers"] ?? .null)
        guard method == .null || method.string != nil, headers == .null || headers.object != nil else {
            return unreadable(id, "method must be text, and headers an object")
        }
        let host = host(of: url)
        let written = value["resource"] ?? .null
        let named = written.string.flatMap { resource($0, url) }
        guard written == .null || named != nil else {
            return unreadable(id, "resource", written, Self.resources)
        }
        let service = named ?? host.map { locate($0) ?? .graph } ?? RequestService(ofPath: url)
        // A host counts as the service's own only if it belongs to exactly this service.
        let hosts = host.flatMap { locate($0) == service ? [$0] : nil } ?? service.knownHosts
        guard
            let target = try? RequestTarget(
                parsing: url, service: service, allowedHosts: hosts, normalization: .clean)
        else {
            return answer(id, .deny, "refused", "refused-address")
        }
        let request = GuardedRequest(
            method: method.string ?? "GET", target: target,
            body: value["body"].map(RequestBody.json) ?? .none,
            headerNames: headers.object?.keys ?? [])
        let verdict = engine.judge(request, policy: policy)
        return answer(
            id, verdict.decision, verdict.guardClass.rawValue, verdict.rule,
            template: engine.classify(request).template)
    }

    /// Returns the host of an absolute URL.
    private func host(of url: String) -> String? {
        url.firstRange(of: "://").map { scheme in
            url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != ":" && $0 != "#" }.lowercased()
        }
    }

    /// What a line may say.
    package static let fields =
        "a line needs src (a script, with module), shell (a command) or url (a request, with method, body, resource, headers)"

    /// What the module of a line may be.
    package static let modules = "name that of a session, such as exo, azure or graph, or leave it out"

    /// What the resource of a line may be.
    package static let resources = "name graph, flow, azure, powerplatform or sharepoint, or leave it out"

    private func unreadable(_ id: JSONValue, _ field: String, _ given: JSONValue, _ advice: String) -> String {
        let word = given.string ?? JSONWriter.string(given)
        return unreadable(id, "\(field) can't be \(word.prefix(40)): \(advice)")
    }

    private func unreadable(_ id: JSONValue, _ reason: String) -> String {
        answer(id, .deny, "write", "unreadable", reason: reason)
    }

    private func answer(
        _ id: JSONValue, _ decision: GuardDecision, _ word: String, _ rule: String, template: String? = nil,
        reason: String? = nil
    ) -> String {
        var object: JSONObject = [
            "id": id, "verdict": .string(decision.rawValue), "class": .string(word), "rule": .string(rule),
        ]
        if let template { object["template"] = .string(template) }
        if let reason { object["reason"] = .string(reason) }
        return JSONWriter.string(.object(object))
    }
}
