internal import MMCore
internal import MMHTTP

/// The front door of Graph.
extension TenantState {
    static let graphContentType =
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

    static let graphDiagnostic =
        #"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"SANDBOX0001"}}"#

    mutating func graph(_ request: SandboxRequest) -> SandboxResponse {
        let requestID = RandomBytes.uuid()
        let clientRequestID = request.headers["client-request-id"] ?? requestID
        var answer: SandboxResponse
        do throws(GraphFailure) {
            let principal = try graphPrincipal(request)
            answer = try graph(request, principal: principal, requestID: requestID, clientRequestID: clientRequestID)
        } catch {
            answer = graphError(error, requestID: requestID, clientRequestID: clientRequestID)
        }
        answer.headers.set("request-id", requestID)
        answer.headers.set("client-request-id", clientRequestID)
        answer.headers.set("OData-Version", "4.0")
        if request.headers["prefer"]?.lowercased().contains("immutableid") == true {
            answer.headers.set("Preference-Applied", "IdType=\"ImmutableId\"")
        }
        answer.headers.set("x-ms-ags-diagnostic", Self.graphDiagnostic)
        return answer
    }

    func graphError(_ failure: GraphFailure, requestID: String, clientRequestID: String) -> SandboxResponse {
        var answer = SandboxResponse(
            status: failure.status,
            json: [
                "error": [
                    "code": .string(failure.code), "message": .string(failure.message),
                    "innerError": [
                        "date": .string(ServiceTime.zonelessText(now)), "request-id": .string(requestID),
                        "client-request-id": .string(clientRequestID),
                    ],
                ]
            ], contentType: Self.graphContentType)
        for field in failure.headers { answer.headers.set(field.name, field.value) }
        return answer
    }

    private func graphPrincipal(_ request: SandboxRequest) throws(GraphFailure) -> SignedInPrincipal {
        let challenge =
            "Bearer realm=\"\", authorization_uri=\"\(base)/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\""
        let principal: SignedInPrincipal
        do throws(TokenMint.Refusal) { principal = try self.principal(request, for: .graph) } catch {
            throw GraphFailure(
                401, "InvalidAuthenticationToken", error.message, headers: ["WWW-Authenticate": challenge])
        }
        guard principal.serial > ledger.revokedBefore[principal.objectID] ?? 0 else {
            throw claimsChallenge(principal, challenge: challenge)
        }
        return principal
    }

    /// The answer to a token that was issued before a revocation (continuous access evaluation).
    private func claimsChallenge(_ principal: SignedInPrincipal, challenge: String) -> GraphFailure {
        guard principal.answersChallenges else {
            return GraphFailure(
                401, "InvalidAuthenticationToken", "Access token has been revoked.",
                headers: ["WWW-Authenticate": challenge])
        }
        let claims = #"{"access_token":{"nbf":{"essential":true,"value":"\#(now)"},"xms_caeerror":{"value":"10012"}}}"#
        return GraphFailure(
            401, "InvalidAuthenticationToken",
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            headers: [
                "WWW-Authenticate":
                    "\(challenge), error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
            ])
    }

    /// The answer of a request whose token is in order.
    mutating func graph(
        _ request: SandboxRequest, principal: SignedInPrincipal, requestID: String, clientRequestID: String
    ) throws(GraphFailure) -> SandboxResponse {
        guard var segments = GraphSegment.all(in: request.path), !segments.isEmpty else {
            throw GraphFailure(400, "BadRequest", "The path of the request is not valid.")
        }
        let version = segments.removeFirst().name.lowercased()
        let options: QueryOptions
        do throws(QueryFault) { options = try QueryOptions(parsing: request.query) } catch { throw GraphFailure(error) }
        let call = GraphCall(
            request: request, version: version, segments: segments, options: options, principal: principal,
            requestID: requestID, clientRequestID: clientRequestID)
        guard let first = segments.first else {
            return SandboxResponse(
                status: 200,
                json: [
                    "@odata.context": .string("\(base)/\(version)/$metadata"),
                    "value": [
                        ["name": "users", "kind": "EntitySet", "url": "users"],
                        ["name": "groups", "kind": "EntitySet", "url": "groups"],
                    ],
                ], contentType: Self.graphContentType)
        }
        if first.name == "$batch" { return try batch(call) }
        switch first.name.lowercased() {
        case "teams": if let answer = try teamCreation(call) { return answer }
        case "invitations": return try invite(call)
        case "reports": if let answer = try report(call) { return answer }
        default: break
        }
        var place = try resolve(call)
        try checkPermission(call, place)
        return try perform(call, &place)
    }

    private mutating func perform(_ call: GraphCall, _ place: inout GraphPlace) throws(GraphFailure) -> SandboxResponse
    {
        if place.rest.last?.name == "$ref" { return try references(call, place) }
        if case .links(let ids, _) = place.node, let key = place.rest.first?.name, Guid.isGuid(key),
            place.rest.count == 1
        {
            guard call.request.method == "DELETE" else { return try read(call, place) }
            // Without /$ref this is not about the reference: the object itself goes.
            guard ids.contains(key.lowercased()), let (address, record) = object(key) else { throw .missing(key) }
            return try delete(
                call, GraphPlace(node: .row(address, key: record.id), label: place.label, rest: [], area: place.area))
        }
        if case .made(let kind, let rows) = place.node, kind.name == EntityKind.messageRule.name {
            let key = place.rest.first?.name
            if call.request.method != "GET" { return try changeMessageRule(call, place) }
            guard key == nil || rows.contains(where: { $0.id == key }) else { throw .mailItemMissing }
            return try read(call, place)
        }
        if let last = place.rest.first?.name {
            if last == "$count", place.rest.count == 1 { return try countAnswer(call, place) }
            if last == "delta", call.request.method == "GET" { return try delta(call, place) }
            return try step(call, place, named: last)
        }
        switch call.request.method {
        case "GET", "HEAD": return try read(call, place)
        case "POST": return try create(call, place)
        case "PATCH", "PUT": return try update(call, place)
        case "DELETE": return try delete(call, place)
        default: throw .notAllowed(call.request.method)
        }
    }

    private func checkPermission(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) {
        let held = call.principal.permissions
        let isRead =
            call.request.method == "GET" || call.request.method == "HEAD"
            || ["getMemberGroups", "checkMemberGroups", "getMemberObjects"].contains(place.rest.first?.name ?? "")
        let isSelf: Bool
        if case .row(.users, let key) = place.node {
            isSelf = store.user(key)?.id == call.principal.objectID
        } else {
            isSelf = false
        }
        let action = place.rest.first?.name ?? ""
        if ["sendMail", "send", "reply", "replyAll", "forward"].contains(action) {
            guard held.contains("Mail.Send") else { throw GraphArea.mail.denied }
            if let owner = place.owner { try checkMailbox(call, owner) }
            return
        }
        let wanted = isRead ? place.area.reading : place.area.writing
        let ownProfile =
            isSelf && (isRead ? held.contains("User.Read") : held.contains("User.ReadWrite")) && place.area == .users
        guard ownProfile || !held.isDisjoint(with: wanted) else { throw place.area.denied }
        if call.principal.isApp { return }
        let roles = store.roles(of: call.principal.objectID)
        let isSupreme = roles.contains(.globalAdministrator)
        switch place.area {
        case let area where area.needsReader && !isSupreme && !(isRead && roles.contains(.globalReader)): throw .denied
        case .mail, .mailboxSettings, .calendars, .contacts:
            if let owner = place.owner { try checkMailbox(call, owner) }
        case let area where area.isDirectory && !isRead && !isSelf:
            let isUserAdministrator = roles.contains(.userAdministrator) && (area == .users || area == .groups)
            guard isSupreme || isUserAdministrator else { throw .denied }
        default: break
        }
    }

    /// One's own mailbox, or any as an administrator or an app.
    private func checkMailbox(_ call: GraphCall, _ owner: String) throws(GraphFailure) {
        if call.principal.isApp || owner == call.principal.objectID { return }
        let roles = store.roles(of: call.principal.objectID)
        guard roles.contains(.globalAdministrator) || roles.contains(.exchangeAdministrator) else { throw .mailDenied }
    }
}
