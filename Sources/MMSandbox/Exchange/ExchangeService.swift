internal import MMCore
internal import MMHTTP

/// The Exchange admin API.
struct ExchangeService {
    let context: TenantContext
    let store: DirectoryStore
    let bearer: BearerCheck
    let organization: ExchangeOrganization
    private static let contentType = "application/json;odata.metadata=minimal;odata.streaming=true"

    /// Answers InvokeCommand, EXOModuleFile and the banner.
    func answer(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        var answer = made(request, segments: segments)
        answer.headers.set("request-id", RandomBytes.uuid())
        answer.headers.set("X-CalculatedBETarget", "sandbox00mb1001.contososandbox.prod.outlook.com")
        answer.headers.set("X-FEServer", "SANDBOXFE0001")
        answer.headers.set("Date", ServiceTime.headerText(context.now))
        if let id = request.headers["client-request-id"] { answer.headers.set("client-request-id", id) }
        return answer
    }

    private func made(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        let principal: SignedInPrincipal
        let isCompliance: Bool
        do throws(TokenMint.Refusal) {
            do throws(TokenMint.Refusal) {
                principal = try bearer.principal(request, for: .exchange)
                isCompliance = false
            } catch {
                guard error == .wrongAudience else { throw error }
                principal = try bearer.principal(request, for: .compliance)
                isCompliance = true
            }
        } catch {
            return refusal(error.message)
        }
        guard !bearer.isRevoked(principal) else {
            return refusal("The token was revoked.", asksForClaims: principal.answersChallenges)
        }
        guard segments.count > 3, ["beta", "v1.0"].contains(segments[1].lowercased()),
            TenantIdentity.isNamed(by: segments[2])
        else { return failed(ExchangeFailure(404, "NotFound", type: "ODataException", "No such resource.")) }
        let caller = caller(principal)
        switch segments[3].lowercased() {
        case "invokecommand" where request.method == "POST":
            return invoke(request, caller: caller, principal: principal, isCompliance: isCompliance)
        case "exomodulefile" where request.method == "GET":
            let names = ExchangeCmdlet.all.values
                .filter { $0.isCompliance == isCompliance && mayRun($0, principal) }.map(\.name).sorted()
            return json(
                200,
                [
                    "@odata.context": .string(
                        "\(context.base)/adminapi/v1.0/\(TenantIdentity.id)/$metadata#EXOModuleFile"),
                    "value": [["exportedCmdlets": .string(names.joined(separator: ",")), "version": "3.9.2"]],
                ])
        case let name where name.hasPrefix("exobanner"):
            return json(200, ["value": []])
        default:
            return failed(
                ExchangeFailure(404, "NotFound", type: "ODataException", "Resource not found for the segment."))
        }
    }

    private func caller(_ principal: SignedInPrincipal) -> UserRow? {
        guard !principal.isApp, let index = store.users.index(of: principal.objectID) else { return nil }
        return store.users.row(index)
    }

    private func mayRun(_ cmdlet: ExchangeCmdlet, _ principal: SignedInPrincipal) -> Bool {
        if principal.isApp { return principal.permissions.contains("Exchange.ManageAsApp") }
        let roles = store.roles(of: principal.objectID)
        switch cmdlet.need {
        case .own: return true
        case .reading:
            return roles.contains { [.globalAdministrator, .globalReader, .exchangeAdministrator].contains($0) }
        case .managing: return roles.contains { [.globalAdministrator, .exchangeAdministrator].contains($0) }
        }
    }

    private func invoke(
        _ request: SandboxRequest, caller: UserRow?, principal: SignedInPrincipal, isCompliance: Bool
    ) -> SandboxResponse {
        guard let call = ExchangeCall(request, caller: caller) else {
            return failed(
                ExchangeFailure(400, "BadRequest", type: "ODataException", "The body is no CmdletInput."))
        }
        guard let cmdlet = ExchangeCmdlet.all[call.cmdlet.lowercased()], cmdlet.isCompliance == isCompliance else {
            return failed(
                ExchangeFailure(
                    400, "BadRequest", type: "System.Management.Automation.CommandNotFoundException",
                    "The term '\(call.cmdlet.prefix(120))' is not recognized as the name of a cmdlet, function, script file, or operable program."
                ))
        }
        guard mayRun(cmdlet, principal) else {
            return SandboxResponse(status: 403, contentType: "text/plain", body: [])
        }
        do throws(ExchangeFailure) {
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

    private static func preview(_ cmdlet: String, _ call: ExchangeCall) -> String {
        let target = call.text("Identity") ?? call.text("Name") ?? call.text("Mailbox") ?? "the organization"
        return "Performing the operation \"\(cmdlet)\" on target \"\(target)\"."
    }

    private func page(_ answer: ExchangeAnswer, _ call: ExchangeCall) -> SandboxResponse {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(answer.rows.count + 1024)
        let address =
            "\(context.base)/adminapi/beta/\(TenantIdentity.id)/$metadata#Collection(Exchange.GenericHashTable)"
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
            let link = "\(context.base)/adminapi/beta/\(TenantIdentity.id)/InvokeCommand?$skiptoken=\(token)"
            bytes.append(contentsOf: ",\"@odata.nextLink\":\(JSONWriter.string(.string(link)))".utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        return SandboxResponse(status: 200, contentType: Self.contentType, body: bytes)
    }

    private func json(_ status: Int, _ json: JSONValue) -> SandboxResponse {
        SandboxResponse(status: status, json: json, contentType: Self.contentType)
    }

    private func failed(_ failure: ExchangeFailure) -> SandboxResponse {
        json(failure.status, failure.json)
    }

    private func refusal(_ message: String, asksForClaims: Bool = false) -> SandboxResponse {
        var challenge =
            "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", "
            + "token_types=\"app_asserted_user_v1 service_asserted_app_v1\", authorization_uri=\"\(context.base)/common/oauth2/authorize\", "
            + "error=\"invalid_token\""
        if asksForClaims {
            let claims = #"{"access_token":{"nbf":{"essential":true,"value":"\#(context.now)"}}}"#
            challenge += ", error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
        }
        var answer = SandboxResponse(status: 401, contentType: "text/plain", body: [])
        answer.headers.set("WWW-Authenticate", challenge)
        answer.headers.set("x-ms-diagnostics", "2000003;reason=\"\(message)\";error_category=\"invalid_token\"")
        return answer
    }
}
