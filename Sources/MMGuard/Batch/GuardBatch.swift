internal import MMCore

/// Judges many scripts and requests, one JSON line each: `{"id","src","module"}` or `{"id","method","url","body"}` in,
/// `{"id","verdict","class","rule"}` out. `resource` names a service other than Graph, `headers` the headers that are
/// sent.
public struct GuardBatch: Sendable {
    private let engine: GuardEngine
    private let policy: GuardPolicy
    private let module: String?

    /// Creates a batch.
    /// - Parameters:
    ///   - engine: the guard.
    ///   - policy: the connection's policy.
    ///   - module: the module of lines that don't name one.
    public init(engine: GuardEngine = GuardEngine(), policy: GuardPolicy = .standard, module: String? = nil) {
        self.engine = engine
        self.policy = policy
        self.module = module
    }

    /// Returns the answer to one line. A line that can't be read is denied.
    public func judge(line: String) -> String {
        let value: JSONValue
        do {
            value = try JSONParser.parse(line, limits: .strict)
        } catch {
            // The service might read the other one of two equal keys; the id is still returned.
            let id = (try? JSONParser.parse(line))?["id"] ?? .null
            return answer(id, .deny, "write", "unreadable")
        }
        let id = value["id"] ?? .null
        if let script = value["src"]?.string {
            let context = ScriptContext(module: value["module"]?.string ?? module)
            let verdict = engine.judge(script: script, in: context, policy: policy)
            return answer(id, verdict.decision, verdict.guardClass.rawValue, verdict.rule)
        }
        guard let url = value["url"]?.string else { return answer(id, .deny, "write", "unreadable") }
        let service = value["resource"]?.string.flatMap(RequestService.init) ?? service(of: url)
        guard let target = try? RequestTarget(parsing: url, service: service, normalization: .clean) else {
            return answer(id, .deny, "refused", "refused-address")
        }
        let request = GuardedRequest(
            method: value["method"]?.string ?? "GET", target: target,
            body: value["body"].map(RequestBody.json) ?? .none,
            headerNames: value["headers"]?.object?.keys ?? [])
        let verdict = engine.judge(request, policy: policy)
        return answer(
            id, verdict.decision, verdict.guardClass.rawValue, verdict.rule,
            template: engine.classify(request).template)
    }

    /// Returns the service that owns the host of an absolute URL; Graph for all others.
    private func service(of url: String) -> RequestService {
        guard let scheme = url.firstRange(of: "://") else {
            return url.lowercased().contains("/providers/microsoft.processsimple") ? .flow : .graph
        }
        let host = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != ":" }.lowercased()
        return RequestService.allCases.first { $0.knownHosts.contains(host) } ?? .graph
    }

    private func answer(
        _ id: JSONValue, _ decision: GuardDecision, _ word: String, _ rule: String, template: String? = nil
    ) -> String {
        var object: JSONObject = [
            "id": id, "verdict": .string(decision.rawValue), "class": .string(word), "rule": .string(rule),
        ]
        if let template { object["template"] = .string(template) }
        return JSONWriter.string(.object(object))
    }
}
