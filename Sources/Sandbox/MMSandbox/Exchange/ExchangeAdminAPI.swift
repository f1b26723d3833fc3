internal import MMCore
internal import MMGuard
internal import MMHTTP
internal import MMNative

/// The Exchange admin API.
struct ExchangeAdminAPI {
    let context: TenantContext
    let store: DirectoryStore
    let bearer: BearerCheck
    let organization: ExchangeOrganization
    private static let contentType = "application/json;odata.metadata=minimal;odata.streaming=true"

    /// The caller, and the service that is called.
    private struct Caller {
        let principal: SignedInPrincipal
        let isCompliance: Bool
        /// The account; `nil` for an app.
        let user: UserRow?
    }

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.exchange }
        for version in ["beta", "v1.0"] {
            let tenant = "/adminapi/\(version)/{tenant}"
            routes.on("POST", path: "\(tenant)/InvokeCommand", Self.invoke)
            routes.on("POST", path: "\(tenant)/$batch", Self.batch)
            routes.on("GET", path: "\(tenant)/EXOModuleFile", Self.moduleFile)
            routes.on("GET", path: "\(tenant)/{resource...}", Self.banner)
        }
        routes.all("/adminapi/{resource...}", Self.nothing)
        return routes.router
    }

    private func moduleFile(_ request: ServiceRequest) -> HTTPServerResponse {
        inTenant(request) { caller in
            let names = ExchangeCmdlet.all.values
                .filter { $0.isCompliance == caller.isCompliance && mayRun($0, caller.principal) }.map(\.name).sorted()
            return json(
                200,
                [
                    "@odata.context": .string(
                        "\(context.base)/adminapi/v1.0/\(context.organization.id)/$metadata#EXOModuleFile"),
                    "value": [["exportedCmdlets": .string(names.joined(separator: ",")), "version": "3.9.2"]],
                ])
        }
    }

    /// The status query that the module sends before it considers a connection good.
    private static let basicInfo = "basicinfo('adminapistate')"

    private func banner(_ request: ServiceRequest) -> HTTPServerResponse {
        inTenant(request) { _ in
            if request.name("resource").lowercased() == Self.basicInfo {
                return json(200, ["PropertyName": "AdminApiState", "PropertyValue": "Running"])
            }
            guard request.name("resource").lowercased().hasPrefix("exobanner") else {
                return failed(
                    ExchangeFailure(404, "NotFound", type: "ODataException", "Resource not found for the segment."))
            }
            return json(200, ["value": []])
        }
    }

    private func nothing(_ request: ServiceRequest) -> HTTPServerResponse {
        signedIn(request) { _ in failed(Self.missing) }
    }

    private static let missing = ExchangeFailure(404, "NotFound", type: "ODataException", "No such resource.")

    /// Returns the answer to a request, after checking that it names this tenant.
    private func inTenant(_ request: ServiceRequest, _ answer: (Caller) -> HTTPServerResponse) -> HTTPServerResponse {
        signedIn(request) { caller in
            context.organization.isNamed(by: request.name("tenant")) ? answer(caller) : failed(Self.missing)
        }
    }

    /// Returns the answer to a request with a valid token, with the headers of the service.
    private func signedIn(_ request: ServiceRequest, _ answer: (Caller) -> HTTPServerResponse) -> HTTPServerResponse {
        var made: HTTPServerResponse
        do throws(TokenMint.Refusal) {
            let caller = try caller(of: request.http)
            made =
                bearer.isRevoked(caller.principal)
                ? refusal("The token was revoked.", asksForClaims: caller.principal.answersChallenges) : answer(caller)
        } catch {
            made = refusal(error.message)
        }
        made.headers.set("request-id", RandomBytes.uuid())
        made.headers.set("X-CalculatedBETarget", "sandbox00mb1001.contososandbox.prod.outlook.com")
        made.headers.set("X-FEServer", "SANDBOXFE0001")
        made.headers.set("Date", ServiceTime.headerText(context.now))
        if let id = request.http.headers["client-request-id"] { made.headers.set("client-request-id", id) }
        return made
    }

    private func caller(of request: HTTPServerRequest) throws(TokenMint.Refusal) -> Caller {
        var principal: SignedInPrincipal
        var isCompliance = false
        do throws(TokenMint.Refusal) { principal = try bearer.principal(request, for: .exchange) } catch {
            guard error == .wrongAudience else { throw error }
            principal = try bearer.principal(request, for: .compliance)
            isCompliance = true
        }
        let index = principal.isApp ? nil : store.users.index(of: principal.objectID)
        return Caller(principal: principal, isCompliance: isCompliance, user: index.map { store.users.row($0) })
    }

    private func mayRun(_ cmdlet: ExchangeCmdlet, _ principal: SignedInPrincipal) -> Bool {
        if principal.isApp { return principal.permissions.contains("Exchange.ManageAsApp") }
        let roles = store.roles(of: principal)
        switch cmdlet.need {
        case .own: return true
        case .reading:
            return roles.contains { [.globalAdministrator, .globalReader, .exchangeAdministrator].contains($0) }
        case .managing: return roles.contains { [.globalAdministrator, .exchangeAdministrator].contains($0) }
        }
    }

    private func invoke(_ request: ServiceRequest) -> HTTPServerResponse {
        inTenant(request) { run(request.http, for: $0) }
    }

    /// Runs up to ten cmdlets from one request.
    private func batch(_ request: ServiceRequest) -> HTTPServerResponse {
        inTenant(request) { caller in
            let items = (try? JSONParser.parse(request.http.body))?["requests"]?.array ?? []
            guard !items.isEmpty, items.count <= 10 else {
                return failed(ExchangeFailure(400, "BadRequest", type: "ODataException", "The batch is not valid."))
            }
            var responses = items.map { item -> JSONValue in
                var headers = HTTPHeaders()
                for (name, value) in item["headers"]?.object ?? [:] { headers.set(name, value.string ?? "") }
                let url = item["url"]?.string ?? ""
                let path = url.firstRange(of: "/adminapi/").map { String(url[$0.lowerBound...]) } ?? ""
                let answer =
                    item["method"] == "POST" && path.lowercased().contains("/invokecommand")
                    ? run(
                        HTTPServerRequest(
                            method: "POST", target: path, headers: headers,
                            body: JSONWriter.bytes(item["body"] ?? .null)), for: caller)
                    : failed(Self.missing)
                return [
                    "id": item["id"] ?? .null, "status": .int(Int64(answer.status)),
                    "headers": ["Content-Type": .string(Self.contentType)],
                    "body": (try? JSONParser.parse(answer.bytes)) ?? .null,
                ]
            }
            // The service doesn't guarantee an order.
            if responses.count > 1 { responses.insert(responses.removeLast(), at: 0) }
            return json(200, ["responses": .array(responses)])
        }
    }

    private func run(_ request: HTTPServerRequest, for caller: Caller) -> HTTPServerResponse {
        guard let call = InvokedCmdlet(request, caller: caller.user) else {
            return failed(ExchangeFailure(400, "BadRequest", type: "ODataException", "The body is no CmdletInput."))
        }
        guard let cmdlet = cmdlet(named: call.cmdlet, isCompliance: caller.isCompliance) else {
            if CmdletClasses().isOfService(call.cmdlet) {
                return failed(
                    ExchangeFailure(
                        400, "BadRequest", type: "NotServedBySandbox",
                        "The sandbox doesn't know the cmdlet '\(call.cmdlet.prefix(120))'; the real service does."))
            }
            return failed(
                ExchangeFailure(
                    400, "BadRequest", type: "System.Management.Automation.CommandNotFoundException",
                    "The term '\(call.cmdlet.prefix(120))' is not recognized as the name of a cmdlet, function, script file, or operable program."
                ))
        }
        guard mayRun(cmdlet, caller.principal) else {
            return HTTPServerResponse(status: 403, contentType: "text/plain", body: [])
        }
        do throws(ExchangeFailure) {
            organization.followDirectory()
            try cmdlet.check(call)
            if cmdlet.need == .managing, call.isSet("WhatIf") {
                var answer = ExchangeAnswer()
                answer.confirmation = Self.preview(cmdlet.name, call)
                return page(answer, call)
            }
            return page(try cmdlet.run(organization, call), call)
        } catch {
            return failed(error)
        }
    }

    /// Returns a cmdlet of the service that a caller is signed in to; `nil` if there is none, or if it isn't served.
    private func cmdlet(named name: String, isCompliance: Bool) -> ExchangeCmdlet? {
        if let served = ExchangeCmdlet.all[name.lowercased()] {
            let isShared = ExchangeTable.standard.knows(name, in: isCompliance ? .scc : .exo)
            return served.isCompliance == isCompliance || isShared ? served : nil
        }
        guard ["get-", "search-"].contains(where: name.lowercased().hasPrefix), CmdletClasses().isOfService(name) else {
            return nil
        }
        return .ofNothing(name)
    }

    private static func preview(_ cmdlet: String, _ call: InvokedCmdlet) -> String {
        let target = call.text("Identity") ?? call.text("Name") ?? call.text("Mailbox") ?? "the organization"
        return "Performing the operation \"\(cmdlet)\" on target \"\(target)\"."
    }

    private func page(_ answer: ExchangeAnswer, _ call: InvokedCmdlet) -> HTTPServerResponse {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(answer.rows.count + 1024)
        let address =
            "\(context.base)/adminapi/beta/\(context.organization.id)/$metadata#Collection(Exchange.GenericHashTable)"
        bytes.append(contentsOf: "{\"@odata.context\":\"\(address)\",".utf8)
        bytes.append(contentsOf: "\"adminapi.warnings@odata.type\":\"#Collection(String)\",".utf8)
        let warnings = JSONWriter.string(.array(answer.warnings.map { .string($0) }))
        bytes.append(contentsOf: "\"@adminapi.warnings\":\(warnings),".utf8)
        if let confirmation = answer.confirmation {
            let text = JSONWriter.string(.string(confirmation))
            bytes.append(contentsOf: "\"@adminapi.confirmationmessage\":\(text),".utf8)
        }
        bytes.append(contentsOf: "\"value\":[".utf8)
        bytes.append(contentsOf: answer.rows)
        bytes.append(contentsOf: "]".utf8)
        if let next = answer.next {
            let token = PageToken(raw: next, matched: call.returned + answer.count).text
            let link = "\(context.base)/adminapi/beta/\(context.organization.id)/InvokeCommand?$skiptoken=\(token)"
            bytes.append(contentsOf: ",\"@odata.nextLink\":\(JSONWriter.string(.string(link)))".utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        return HTTPServerResponse(status: 200, contentType: Self.contentType, body: bytes)
    }

    private func json(_ status: Int, _ json: JSONValue) -> HTTPServerResponse {
        HTTPServerResponse(status: status, json: json, contentType: Self.contentType)
    }

    private func failed(_ failure: ExchangeFailure) -> HTTPServerResponse {
        json(failure.status, failure.json)
    }

    private func refusal(_ message: String, asksForClaims: Bool = false) -> HTTPServerResponse {
        var challenge =
            "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", "
            + "token_types=\"app_asserted_user_v1 service_asserted_app_v1\", authorization_uri=\"\(context.base)/common/oauth2/authorize\", "
            + "error=\"invalid_token\""
        if asksForClaims {
            let claims = #"{"access_token":{"nbf":{"essential":true,"value":"\#(context.now)"}}}"#
            challenge += ", error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
        }
        var answer = HTTPServerResponse(status: 401, contentType: "text/plain", body: [])
        answer.headers.set("WWW-Authenticate", challenge)
        answer.headers.set("x-ms-diagnostics", "2000003;reason=\"\(message)\";error_category=\"invalid_token\"")
        return answer
    }
}
