internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Judges the request that a cmdlet sends.
    /// - Returns: false if it sends none, or the text doesn't determine it; then the cmdlet's table entry is judged.
    mutating func walkRequest(_ call: CommandCall) -> Bool {
        let name = call.command.name
        if let carrier = call.command.carrier { return walk(carrier, call) }
        guard call.entry.product == .azure else { return walkWeb(call) }
        let isPatch = call.arguments.contains { $0.mayBe("usepatchsemantics") }
        guard let method = ResourceCall.method(name, isPatch: isPatch) else { return false }
        checkCloudParameters(call, isRequest: true)
        func text(_ names: [String]) -> String?? {
            let found = call.indices(names)
            guard let only = found.first else { return .some(nil) }
            return found.count == 1 ? call.constant(only).text.map { .some($0) } ?? nil : nil
        }
        guard call.place == 0, let id = text(["resourceid"]), let type = text(["resourcetype"]),
            let resource = text(["resourcename"]), let extensionType = text(["extensionresourcetype"]),
            let action = text(["action"]),
            let path = ResourceCall.path(
                id: id, type: type, name: resource, extensionType: extensionType, action: action)
        else { return refuse(call.extent) }
        judge(method, path, .opaque, [], call, service: .arm)
        return true
    }

    private mutating func walk(_ carrier: RequestCarrier, _ call: CommandCall) -> Bool {
        checkCloudParameters(call, isRequest: true)
        var method: String? = carrier.standardMethod
        var addresses: [String] = []
        var parts: [String: String] = [:]
        var body = call.place > 0 ? pipedBody(call) : RequestBody.none
        var query: [String: String]? = body == .none ? [:] : nil
        var headers: [String] = []
        var open: BoundArgument?
        for (index, argument) in call.arguments.enumerated() {
            let value = call.constant(index)
            guard let name = argument.name, !argument.isCommonParameter else {
                guard let common = argument.candidates.first, common.isCommon else { return refuse(argument.extent) }
                // A debug stream shows the request with its access token.
                if common.isNamed("debug") { return refuse(argument.extent) }
                continue
            }
            switch carrier.roles[name] {
            case .method: method = value.text.flatMap(carrier.method)
            case .address:
                if let text = value.text { addresses.append(text) } else { open = argument }
            case .audience:
                guard let text = value.text, isServiceAddress(text) else { return refuse(argument.extent) }
                parts[name] = text
            case .part:
                guard let texts = value.texts, !texts.isEmpty else { return refuse(argument.extent) }
                parts[name] = texts.joined(separator: "/")
            case .body:
                body = requestBody(argument.value, value)
                query = self.query(argument.value)
            case .headers:
                guard let names = headerNames(argument.value) else { return refuse(argument.extent) }
                headers = names
            case .inputFile:
                checkLocalFile(call, index)
                body = .opaque
            case .outputFile:
                if !(value.text.map(LocalPath.isDataFile) ?? false) { report(.localPath, argument.extent) }
            case .format:
                let text = value.text?.asciiLowercased ?? ""
                if text.isEmpty || !["hashtable", "psobject", "json"].contains(where: { $0.hasPrefix(text) }) {
                    report(.secretProperty, argument.extent, subject: "-" + name)
                }
            case .harmless: break
            case nil: return refuse(argument.extent)
            }
        }
        if let open {
            if method == "GET", body == .none, carrier.service == .graph, let starts = open.value.flatMap(pages) {
                for start in starts.sorted() { judge("GET", start, .none, headers, call, service: .graph) }
                return true
            }
            if let method { judgeOpen(method, open.value, body, headers, call, service: carrier.service) }
            return refuse(open.extent)
        }
        guard let method, var address = self.address(addresses, parts, carrier) else { return refuse(call.extent) }
        if method == "GET", body != .none {
            // The body of a GET becomes its query.
            guard let query else { return refuse(call.extent) }
            let items = query.map { "\(escaped($0.key))=\(escaped($0.value))" }.sorted()
            if !items.isEmpty { address += (address.contains("?") ? "&" : "?") + items.joined(separator: "&") }
            body = .none
        }
        judge(method, address, shown(body), headers, call, service: carrier.service)
        return true
    }

    /// Returns a body as far as it counts here: at the wire it is known, so there only what the text shows of it does.
    func shown(_ body: RequestBody) -> RequestBody {
        context.isBehindWire && body == .opaque ? .json(.object([:])) : body
    }

    private func address(_ given: [String], _ parts: [String: String], _ carrier: RequestCarrier) -> String? {
        if given.count == 1 { return given[0] }
        guard given.isEmpty, carrier.service == .arm else { return nil }
        var path = "/subscriptions/" + (parts["subscriptionid"] ?? "s")
        if let group = parts["resourcegroupname"] { path += "/resourceGroups/" + group }
        if let provider = parts["resourceprovidername"] {
            path +=
                "/providers/"
                + ResourceCall.interleaved(provider + "/" + (parts["resourcetype"] ?? ""), parts["name"] ?? "")
        }
        return path + "?api-version=" + (parts["apiversion"] ?? "1")
    }

    /// Returns the pipeline input as a body.
    private func pipedBody(_ call: CommandCall) -> RequestBody {
        guard call.input.count > 0 else { return .none }
        guard let texts = call.input.texts, texts.count == 1 else { return .opaque }
        return RequestBody(bytes: Array(texts[0].utf8))
    }

    private mutating func refuse(_ extent: SourceExtent) -> Bool {
        report(.requestAddress, extent)
        return false
    }

    mutating func judge(
        _ method: String, _ address: String, _ body: RequestBody, _ headers: [String], _ call: CommandCall,
        service: RequestService
    ) {
        guard let target = target(of: address, service: service, call) else { return }
        if context.isDryRun, call.entry.product != .builtin { return }
        let request = GuardedRequest(method: method, target: target, body: body, headerNames: headers)
        let judge = RequestJudge(tables: tables)
        var found = judge.classifier.classify(request)
        if context.isBehindWire, found.isUnread {
            report(.requestAddress, call.extent)
            let shown = found.items.filter { !$0.classification.isUnread }
            guard !shown.isEmpty else { return }
            found = judge.classifier.joined(shown, template: found.template)
        }
        for finding in judge.findings(found, line: "\(method) \(target.pathAndQuery)", method: method)
        where finding.classes != .read || finding.kind != .classified {
            report(finding, call.extent)
        }
        if found.classes.contains(.send) { report(SendPreview(of: request), call.extent) }
        for finding in judge.manyChanges(in: [found]) { report(finding, call.extent) }
        if found.classes != .read,
            let many = change(
                by: call.entry.name, times: runs(place: call.place, input: call.input), at: call.extent)
        {
            report(many, call.extent)
        }
    }

    /// Reports what a request says plainly although variables are keys or values in its address:
    /// `"/users/$id/sendMail"` sends mail whatever the variable holds.
    mutating func judgeOpen(
        _ method: String, _ address: ExpressionSyntax?, _ body: RequestBody, _ headers: [String], _ call: CommandCall,
        service: RequestService
    ) {
        guard let address = address.flatMap(openText) else { return }
        if let host = hostName(of: address), !service.knownHosts.contains(host) { return }
        guard let target = try? RequestTarget(parsing: address, service: service, allowedHosts: []) else { return }
        let body = shown(body)
        let found = RequestClassifier(tables: tables).classify(
            GuardedRequest(method: method, target: target, body: body, headerNames: headers))
        // Graph's tree tells a key from a name. At other services a deletion is one whatever it deletes.
        guard found.isKnown || method == "DELETE" && service != .graph, found.classes != .read else { return }
        judge(method, address, body, headers, call, service: service)
    }

    /// The bytes that a variable's open text may have: more than any address, and no text grows from variable to
    /// variable beyond it.
    static let longestOpenText = 8192

    /// Returns the text of an expression that begins with a known one, with a key for each value that isn't known;
    /// `nil` for any other.
    func openText(_ expression: ExpressionSyntax) -> String? {
        switch expression {
        case .string(let node): return node.value
        case .expandableString(let node): return node.text(filledWith: node.parts.map { onlyText(of: $0) ?? "x" })
        case .variable: return onlyText(of: expression)
        case .paren(let node): return node.pureExpression.flatMap(openText)
        case .binary(let node) where node.op == .plus:
            return openText(node.left).map { $0 + (openText(node.right) ?? "x") }
        default: return nil
        }
    }

    private func onlyText(of part: ExpressionSyntax) -> String? {
        guard case .variable(let variable) = part, variable.path.isVariable else { return nil }
        let entry = variables[variable.path.name.asciiLowercased]
        return entry.facts.texts.flatMap { $0.count == 1 ? $0.first : nil } ?? entry.openText
    }

    private mutating func target(
        of address: String, service: RequestService, _ call: CommandCall
    ) -> RequestTarget? {
        var service = service
        let host = hostName(of: address)
        if let host, service != .graph, service != .sharePoint, let own = Self.service(of: host) { service = own }
        var path = address
        if host?.hasPrefix("{") ?? false, let scheme = address.firstRange(of: "://") {
            // The address begins with the module's placeholder for a host: https://{bapEndpoint}/providers/…
            path = "/" + address[scheme.upperBound...].split(separator: "/", maxSplits: 1).dropFirst().joined()
        } else if let host, !service.knownHosts.contains(host) {
            report(
                GuardFinding(
                    rule: "request-host", classes: [.external, .secret],
                    kind: service == .sharePoint && LocalPath.isTenantHost(host) ? .dynamic : .blocked,
                    reason: "The request and its access token would go to \(host), which is not the service's host.",
                    instead: "Write only the path.", subject: host), call.extent)
            return nil
        }
        do {
            return try RequestTarget(parsing: path, service: service, allowedHosts: [])
        } catch {
            report(
                GuardFinding(
                    rule: ConstructRule.requestAddress.rawValue, classes: .write, kind: .dynamic,
                    reason: error.message, instead: error.hint, subject: address), call.extent)
            return nil
        }
    }

    private func isServiceAddress(_ text: String) -> Bool {
        hostName(of: text).map { Self.service(of: $0) != nil } ?? false
    }

    func hostName(of address: String) -> String? {
        if address.hasPrefix("//") { return String(address.dropFirst(2).prefix { $0 != "/" }).asciiLowercased }
        guard let scheme = address.firstRange(of: "://") else { return nil }
        let rest = address[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return rest.split(separator: ":").first.map { $0.asciiLowercased }
    }

    static func service(of host: String) -> RequestService? {
        RequestService.allCases.first { $0.knownHosts.contains(host) }
    }

    // MARK: Bodies

    /// Returns the hashtable literal that is written here, or that a variable holds and nothing has changed.
    func literalTable(_ value: ExpressionSyntax?) -> HashtableSyntax? {
        switch value {
        case .hashtable(let table)?: table
        case .variable(let variable)? where variable.path.qualifier == .none && !variable.isSplatted:
            variables[variable.path.name.asciiLowercased].table
        default: nil
        }
    }

    /// Returns the body that a constant gives: JSON text, or a hashtable.
    func requestBody(_ value: ExpressionSyntax?, _ constant: ConstantValue) -> RequestBody {
        if let table = literalTable(value) { return json(table) ?? .opaque }
        if let text = constant.text { return RequestBody(bytes: Array(text.utf8)) }
        return constant == .null ? .none : .opaque
    }

    /// Returns the query that a hashtable becomes; nil if the text doesn't determine it.
    private func query(_ value: ExpressionSyntax?) -> [String: String]? {
        guard let table = literalTable(value) else { return ConstantValue(value) == .null ? [:] : nil }
        var query: [String: String] = [:]
        for entry in table.entries {
            guard let key = ConstantValue(entry.key).text, let text = constant(entry.value).texts else { return nil }
            query[key] = text.joined(separator: ",")
        }
        return query
    }

    /// Returns a hashtable as JSON; values that are not constant may be anything.
    func json(_ table: HashtableSyntax) -> RequestBody? {
        var object = JSONObject()
        for entry in table.entries {
            guard let key = ConstantValue(entry.key).text else { return nil }
            object[key] = entry.value.pureExpression.map { json($0) } ?? RequestBody.unknownValue
        }
        return .json(.object(object))
    }

    func json(_ expression: ExpressionSyntax) -> JSONValue {
        switch expression {
        case .hashtable(let table):
            guard case .json(let value)? = json(table) else { return RequestBody.unknownValue }
            return value
        case .arrayLiteral(let list): return .array(list.elements.map { json($0) })
        case .array(let node):
            if node.block.statements.isEmpty { return .array([]) }
            guard let inner = node.block.pureExpression else { return RequestBody.unknownValue }
            let value = json(inner)
            return value.array == nil ? .array([value]) : value
        case .paren(let node): return node.pureExpression.map { json($0) } ?? RequestBody.unknownValue
        case .convert(let node): return json(node.operand)
        default: return json(ConstantValue(expression))
        }
    }

    private func json(_ value: ConstantValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .number(let text): .number(text)
        case .bool(let flag): .bool(flag)
        case .null: .null
        case .array(let items): .array(items.map { json($0) })
        case .dynamic: RequestBody.unknownValue
        }
    }
}

extension BoundArgument {
    /// Whether it is one of the common parameters, which every cmdlet has.
    var isCommonParameter: Bool { candidates.count == 1 && candidates[0].isCommon }
}

/// A cmdlet of Azure that changes a resource of any type: its parameters determine the request that it sends.
enum ResourceCall {
    /// Returns the method of the request; `nil` for other cmdlets.
    static func method(_ cmdlet: String, isPatch: Bool) -> String? {
        switch cmdlet.asciiLowercased {
        case "invoke-azresourceaction": "POST"
        case "new-azresource": "PUT"
        case "set-azresource": isPatch ? "PATCH" : "PUT"
        default: nil
        }
    }

    /// Returns the path of a resource.
    /// - Parameters:
    ///   - id: its identifier, if given.
    ///   - type: provider and types: `Microsoft.Web/sites/config`.
    ///   - name: the names, one for each type.
    static func path(id: String?, type: String?, name: String?, extensionType: String?, action: String?) -> String? {
        var path: String
        if let id {
            path = id
        } else {
            guard let type, let name else { return nil }
            path = "/subscriptions/s/resourceGroups/g/providers/" + interleaved(type, name)
        }
        if let extensionType { path += "/providers/" + extensionType + "/x" }
        if let action { path += "/" + action }
        return path
    }

    /// Joins `Microsoft.Web/sites/config` and `w/appsettings` to provider, type, name, type, name.
    static func interleaved(_ type: String, _ name: String) -> String {
        let types = type.split(separator: "/").map(String.init)
        let names = name.split(separator: "/").map(String.init)
        var parts = Array(types.prefix(1))
        for (index, one) in types.dropFirst().enumerated() {
            parts.append(one)
            if index < names.count { parts.append(names[index]) }
        }
        return (parts + names.dropFirst(max(0, types.count - 1))).joined(separator: "/")
    }
}

extension ExpandableStringSyntax {
    /// Returns the text with the given ones in place of its parts.
    func text(filledWith texts: [String]) -> String {
        let units = Array(value.utf16)
        var text = ""
        var end = 0
        for (part, place) in zip(texts, places) {
            text += String(decoding: units[end..<place.lowerBound], as: UTF16.self) + part
            end = place.upperBound
        }
        return text + String(decoding: units[end...], as: UTF16.self)
    }
}
