internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    private static let webCommands: Set<String> = ["invoke-restmethod", "invoke-webrequest"]
    private static let webMethods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    /// Parameters that change neither the request's effect nor where it goes.
    private static let plainWebParameters: Set<String> = [
        "contenttype", "authentication", "token", "skiphttperrorcheck", "usebasicparsing", "timeoutsec",
        "maximumretrycount", "retryintervalsec", "statuscodevariable", "responseheadersvariable",
    ]

    /// Judges PowerShell's own web request to a service like the request that a module's cmdlet would send.
    /// - Returns: false if the text doesn't determine the request, or if the command is to be judged as one that sends
    ///   data anywhere: its token may be of another sign-in, so an ordinary change may be one in a foreign tenant.
    mutating func walkWeb(_ call: CommandCall) -> Bool {
        guard Self.webCommands.contains(call.command.name) else { return false }
        var method = "GET"
        var address: String?
        var open: ExpressionSyntax?
        var body = call.place > 0 ? RequestBody.opaque : .none
        var headers: [String]? = []
        for (index, argument) in call.arguments.enumerated() {
            guard !argument.isCommonParameter else {
                // The debug stream shows the request with its access token.
                if argument.mayBe("debug") { return false }
                continue
            }
            let value = call.constant(index)
            switch argument.name {
            case "method": method = value.text?.uppercased() ?? ""
            case "uri":
                address = value.text
                if address == nil { open = argument.value }
            case "headers": headers = headerNames(argument.value)
            case "body":
                // PowerShell sends a hashtable as a form, not as JSON.
                let isForm = literalTable(argument.value) != nil
                body = isForm ? .opaque : requestBody(argument.value, value)
            case let name?: if !Self.plainWebParameters.contains(name) { return false }
            case nil: return false
            }
        }
        if address == nil, Self.webMethods.contains(method) { judgeOpen(method, open, body, headers ?? [], call) }
        guard Self.webMethods.contains(method), method != "GET" || body == .none, let address,
            let host = hostName(of: address), address.asciiLowercased.hasPrefix("https://\(host)/"),
            let service = Self.service(of: host), service != .signIn,
            let target = try? RequestTarget(parsing: address, service: service, allowedHosts: [])
        else { return false }
        body = shown(body)
        let request = GuardedRequest(method: method, target: target, body: body, headerNames: headers ?? [])
        let found = RequestClassifier(tables: tables).classify(request)
        let isRead = found.classes == .read && found.isKnown && headers != nil
        guard isRead || !found.classes.isSubset(of: [.read, .write]) else { return false }
        judge(method, address, body, headers ?? [], call, service: service)
        return true
    }

    /// Reports what a request to a service's own host says plainly although variables are keys in its address.
    private mutating func judgeOpen(
        _ method: String, _ address: ExpressionSyntax?, _ body: RequestBody, _ headers: [String], _ call: CommandCall
    ) {
        guard let host = address.flatMap(openText).flatMap(hostName), let service = Self.service(of: host),
            service != .signIn
        else { return }
        judgeOpen(method, address, body, headers, call, service: service)
    }

    /// Returns the names of headers; nil if the text doesn't determine them.
    func headerNames(_ value: ExpressionSyntax?) -> [String]? {
        literalTable(value)?.entries.map { ConstantValue($0.key).text ?? "x-http-method" }
    }

    /// Reports a request to the sign-in service, which a script must never call itself.
    mutating func checkWeb(_ call: CommandCall) {
        var isConstant = true
        for (index, argument) in call.arguments.enumerated() {
            guard let value = argument.value else { continue }
            var text = call.constant(index).texts?.joined(separator: " ") ?? ""
            if case .expandableString(let node) = value { text = node.value }
            if text.asciiLowercased.contains("login.microsoftonline") {
                report(
                    GuardFinding(
                        rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
                        reason: "It calls the sign-in service directly.",
                        instead: "The server handles sign-ins: use its login tool.", subject: "login.microsoftonline"),
                    call.extent)
            }
            if argument.mayBe("uri"), call.constant(index) == .dynamic { isConstant = false }
        }
        if !isConstant { report(.requestAddress, call.extent) }
    }
}
