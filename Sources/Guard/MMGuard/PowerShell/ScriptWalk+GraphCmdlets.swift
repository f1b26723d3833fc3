internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// The request that a cmdlet of Graph's modules sends.
    struct SentRequest {
        /// The classification of the request by the tables of requests.
        var found: RequestClassification
        /// Whether the request's classification replaces the cmdlet's class. That is so if the tables' class for an
        /// unknown body is at least as strict as the cmdlet's: then the tables know this body's effect better.
        var overrides: Bool
    }

    /// Returns the request that a cmdlet of Graph's modules sends: the table's, or the strictest of those that its name
    /// tells; nil if there is none.
    func request(of call: CommandCall) -> SentRequest? {
        let own = unlistedName(of: call)
        if own == nil, let (method, template) = tables.cmdlets.request(of: call.entry) {
            return sent(method, template, toBeta: call.command.name.contains("-mgbeta"), by: call)
        }
        return GraphCmdletNames().requests(of: own ?? call.entry.name)
            .compactMap { sent($0.method, $0.template, toBeta: $0.isBeta, by: call) }
            .max { $0.found.classes.strictest.rank < $1.found.classes.strictest.rank }
    }

    /// Returns the name of a cmdlet that no table lists and that is therefore judged by the entry of another one. What
    /// it selects and expands are properties of what its own request reads.
    private func unlistedName(of call: CommandCall) -> String? {
        guard let name = call.syntax.constantName?.split(separator: "\\").last.map(String.init),
            !call.entry.isNamed(name.asciiLowercased), tables.cmdlets.entries(named: name).isEmpty,
            !GraphCmdletNames().requests(of: name).isEmpty
        else { return nil }
        return name
    }

    private func sent(
        _ method: String, _ template: String, toBeta isBeta: Bool, by call: CommandCall
    ) -> SentRequest? {
        var path = (isBeta ? "/beta" : "/v1.0") + Self.filled(template)
        if method == "GET" {
            path += selection(call)
        }
        guard let target = try? RequestTarget(parsing: path, service: .graph) else { return nil }
        let body = method == "GET" || method == "DELETE" ? RequestBody.none : body(of: call, addressedBy: template)
        let classifier = RequestClassifier(tables: tables)
        let found = classifier.classify(GuardedRequest(method: method, target: target, body: body))
        // A deletion has no body: its path tells everything.
        if method == "DELETE" {
            return SentRequest(found: found, overrides: found.isKnown && !Self.isRegistration(template))
        }
        guard case .json = body, found.isKnown else { return SentRequest(found: found, overrides: false) }
        let worst = classifier.classify(GuardedRequest(method: method, target: target, body: .opaque))
        return SentRequest(
            found: found, overrides: worst.classes.strictest.rank >= call.entry.classes.strictest.rank)
    }

    /// Returns a path with a text in each place of a key, since its class doesn't depend on the key.
    private static func filled(_ template: String) -> String {
        template.replacing("{", with: "").replacing("}", with: "")
    }

    /// Whether a path is that of what apps sign in as. Taking it away by a cmdlet is a change of privileges, like
    /// making it.
    private static func isRegistration(_ template: String) -> Bool {
        template.hasPrefix("/applications") || template.hasPrefix("/servicePrincipals")
    }

    /// Returns the classes of the changes that a cmdlet of Graph's modules makes by its name; nil if that tells no
    /// request, or one that reads.
    func classesOfUnlisted(_ name: String) -> GuardClassSet? {
        let classifier = RequestClassifier(tables: tables)
        var classes = GuardClassSet(rawValue: 0)
        for request in GraphCmdletNames().requests(of: name) where request.method != "GET" {
            guard let target = try? RequestTarget(parsing: Self.filled(request.path), service: .graph) else {
                return nil
            }
            let body = request.method == "DELETE" ? RequestBody.none : .opaque
            classes.formUnion(
                classifier.classify(GuardedRequest(method: request.method, target: target, body: body)).classes)
        }
        return classes.isEmpty ? nil : classes
    }

    /// Returns the message that a call sends in a person's name, as far as its parameters determine it.
    func preview(of call: CommandCall) -> SendPreview {
        let name = call.entry.name
        if call.entry.product == .graph,
            case .json(let body) = body(of: call, addressedBy: tables.cmdlets.request(of: call.entry)?.path ?? "")
        {
            let preview = SendPreview(line: name, body: .json(body))
            if !preview.recipients.isEmpty || preview.subject != nil || preview.body != nil { return preview }
        }
        return SendPreview(of: name, bound: call.arguments)
    }

    /// Returns the query for the selected and expanded properties; all properties if the text doesn't determine them.
    private func selection(_ call: CommandCall) -> String {
        var items: [String] = []
        let options = [("property", "$select", "*"), ("expandproperty", "$expand", "*($select=*)")]
        for (name, option, all) in options {
            for index in call.indices([name]) where call.arguments[index].written != nil {
                let texts = call.constant(index).texts ?? [all]
                items.append("\(option)=\(escaped(texts.joined(separator: ",")))")
            }
        }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }

    /// Returns a text escaped for a query.
    func escaped(_ text: String) -> String { PercentCoding.encode(text, isPlain: PercentCoding.isQueryByte) }

    /// Returns the body that the parameters determine. Each parameter that isn't a key in the address becomes a
    /// property. `-BodyParameter` gives the whole body, and `-AdditionalProperties` further properties.
    private func body(of call: CommandCall, addressedBy template: String) -> RequestBody {
        let address = template.asciiLowercased.replacing("-", with: "")
        var object = JSONObject()
        if call.place > 0, !call.input.kinds.subtracting(.data).isEmpty { return .opaque }
        for (index, argument) in call.arguments.enumerated() {
            guard let name = argument.likelyName, !argument.isCommonParameter else { continue }
            if argument.mayBe(oneOf: ["bodyparameter", "additionalproperties"]) {
                guard case .json(let value) = requestBody(argument.value, call.constant(index)),
                    let members = value.object
                else { return .opaque }
                for (key, member) in members { object[key] = member }
            } else if !address.contains("{" + name + "}") {
                object[name] = argument.value.map { json($0) } ?? .bool(true)
            }
        }
        return .json(.object(object))
    }
}
