internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Judges the request that a cmdlet carries.
    /// - Returns: false when the request can't be told; the cmdlet is then judged by its table entry.
    mutating func walkMethod(_ command: CommandSyntax, entry: CmdletEntry, bound: [BoundArgument]) -> Bool {
        var method: String? = "GET"
        var address: String?
        var isAddressGiven = false
        var body = RequestBody.none
        var headers: [String] = []
        for argument in bound {
            let value = ConstantValue(argument.value)
            if argument.written == nil {
                guard let text = value.text else { return refuseAddress(argument.extent) }
                if Self.methods.contains(text.uppercased()) {
                    method = text
                } else if isAddressGiven {
                    body = .opaque
                } else {
                    address = text
                    isAddressGiven = true
                }
            } else if argument.mayBe("method") {
                method = value.text
            } else if ["uri", "url", "path", "resourceid"].contains(where: argument.mayBe) {
                address = value.text
                isAddressGiven = true
            } else if ["body", "payload", "content"].contains(where: argument.mayBe) {
                body = argument.value.map(requestBody) ?? .none
            } else if ["headers", "additionalheaders"].contains(where: argument.mayBe) {
                guard case .hashtable(let table)? = argument.value else { return refuseAddress(argument.extent) }
                headers = table.entries.map { ConstantValue($0.key).text ?? "x-http-method" }
            } else if ["inputfilepath"].contains(where: argument.mayBe) {
                body = .opaque
            } else if ["outputfilepath", "outfile"].contains(where: argument.mayBe) {
                if !(value.text.map(LocalPath.isDataFile) ?? false) { report(.localPath, argument.extent) }
            }
        }
        guard let method, let address else { return refuseAddress(command.extent) }
        guard let target = target(of: address, entry: entry, command: command) else { return true }
        let request = GuardedRequest(method: method, target: target, body: body, headerNames: headers)
        let judge = RequestJudge(tables: tables)
        let found = judge.classifier.classify(request)
        for finding in judge.findings(found, line: "\(method.uppercased()) \(target.pathAndQuery)", method: method)
        where finding.classes != .read || finding.kind != .classified {
            report(finding, command.extent)
        }
        if found.classes.contains(.send) { previews.append(SendPreview(of: request)) }
        return true
    }

    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE", "MERGE", "HEAD", "OPTIONS"]

    private mutating func refuseAddress(_ extent: SourceExtent) -> Bool {
        report(.requestAddress, extent)
        return false
    }

    private mutating func target(of address: String, entry: CmdletEntry, command: CommandSyntax) -> RequestTarget? {
        let service: RequestService
        var hosts: [String] = []
        let host = hostName(of: address)
        switch entry.name {
        case "Invoke-AzRestMethod": service = host.flatMap(Self.service(of:)) ?? .arm
        case "Invoke-PnPSPRestMethod":
            service = .sharePoint
            if let host, [".sharepoint.com", ".sharepoint.us", ".sharepoint.cn"].contains(where: host.hasSuffix) {
                hosts = [host]
            }
        default: service = .graph
        }
        if let host, hosts.isEmpty, !service.knownHosts.contains(host) {
            report(
                GuardFinding(
                    rule: "request-host", classes: [.external, .secret], kind: .blocked,
                    reason: "The request and its access token would go to \(host), which is not the service's host.",
                    instead: "Write the path alone.", subject: host), command.extent)
            return nil
        }
        do {
            return try RequestTarget(parsing: address, service: service, allowedHosts: hosts)
        } catch {
            report(
                GuardFinding(
                    rule: ConstructRule.requestAddress.rawValue, classes: .write, kind: .dynamic,
                    reason: error.message, instead: error.hint, subject: address), command.extent)
            return nil
        }
    }

    private func hostName(of address: String) -> String? {
        guard let scheme = address.firstRange(of: "://") else { return nil }
        let rest = address[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return rest.split(separator: ":").first.map { $0.asciiLowercased }
    }

    private static func service(of host: String) -> RequestService? {
        RequestService.allCases.first { $0.knownHosts.contains(host) }
    }

    /// The body that a constant tells: JSON text, or a hashtable of constants.
    private func requestBody(_ value: ExpressionSyntax) -> RequestBody {
        if case .string(let text) = value { return RequestBody(bytes: Array(text.value.utf8)) }
        if case .hashtable(let table) = value, let object = json(table) { return .json(.object(object)) }
        return ConstantValue(value) == .null ? .none : .opaque
    }

    private func json(_ table: HashtableSyntax) -> JSONObject? {
        var object = JSONObject()
        for entry in table.entries {
            guard let key = ConstantValue(entry.key).text, case .pipeline(let pipeline) = entry.value,
                pipeline.elements.count == 1, case .expression(let element) = pipeline.elements[0]
            else { return nil }
            if case .hashtable(let inner) = element.expression {
                guard let value = json(inner) else { return nil }
                object[key] = .object(value)
            } else {
                guard let value = json(ConstantValue(element.expression)) else { return nil }
                object[key] = value
            }
        }
        return object
    }

    private func json(_ value: ConstantValue) -> JSONValue? {
        switch value {
        case .string(let text): return .string(text)
        case .number(let text): return .number(text)
        case .bool(let flag): return .bool(flag)
        case .null: return .null
        case .array(let items):
            var values: [JSONValue] = []
            for item in items {
                guard let value = json(item) else { return nil }
                values.append(value)
            }
            return .array(values)
        case .dynamic: return nil
        }
    }
}
