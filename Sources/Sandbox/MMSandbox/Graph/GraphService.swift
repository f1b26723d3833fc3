import MMCore
import MMGuard
import MMHTTP

/// The Graph service: resolves the path of a request, checks its permissions, and passes it to the part that answers
/// it.
struct GraphService {
    let context: TenantContext
    let store: DirectoryStore
    let mint: TokenMint
    let issuer: TokenIssuer
    let bearer: BearerCheck
    let organization: ExchangeOrganization
    let outbox: Outbox
    let settings: MailboxSettings
    let files: FileStorage
    let reports: UsageReports
    let logs: LogTables
    let photos: ProfilePhotos
    let faults: FaultPlan
    let faultAnswers: FaultAnswers

    // The parts are stateless, so they are created on each use.
    private var answers: GraphAnswers { GraphAnswers(context: context, store: store) }
    private var drives: DrivePaths { DrivePaths(store: store) }
    private var rules: MessageRules { MessageRules(context: context, store: store, organization: organization) }
    private var mail: GraphMail { GraphMail(context: context, store: store, outbox: outbox, answers: answers) }
    private var teams: GraphTeams { GraphTeams(context: context, store: store, outbox: outbox, answers: answers) }
    private var items: GraphFiles { GraphFiles(context: context, store: store, storage: files, answers: answers) }
    private var reader: GraphReader { GraphReader(context: context, store: store, answers: answers) }
    private var paths: GraphPaths {
        GraphPaths(
            store: store, drives: drives, sites: SitePaths(store: store, drives: drives),
            teams: TeamPaths(store: store), mail: MailPaths(store: store, rules: rules), settings: settings)
    }
    private var emptyLists: EmptyLists { EmptyLists(store: store) }
    private var permissions: GraphPermissions { GraphPermissions(store: store) }
    private var delta: GraphDelta { GraphDelta(context: context, store: store, mint: mint, reader: reader) }
    private var writer: GraphWriter {
        GraphWriter(
            context: context, store: store, issuer: issuer, answers: answers,
            accounts: NewAccounts(context: context, store: store), apps: NewApps(store: store), settings: settings,
            mail: mail, teams: teams, files: items, references: references)
    }
    private var references: GraphReferences { GraphReferences(context: context, store: store) }
    private var actions: GraphActions {
        GraphActions(
            context: context, store: store, issuer: issuer, answers: answers, reader: reader, mail: mail, files: items)
    }
    private var eligibility: RoleEligibility { RoleEligibility(context: context, store: store) }
    private var invitations: Invitations { Invitations(context: context, store: store) }

    /// Returns the routes: every path below a version, since OData gives paths a meaning of their own, and the address
    /// that tells who has signed in.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.graph }
        routes.on("GET", "POST", path: "/oidc/userinfo", Self.userInfo)
        for version in ["v1.0", "beta"] { routes.all("/\(version)/{path...}", Self.answer) }
        return routes.router
    }

    private func answer(_ routed: ServiceRequest) -> HTTPServerResponse {
        answered(routed.http) { (principal, requestID, clientRequestID) throws(GraphFailure) in
            try answer(routed.http, principal: principal, requestID: requestID, clientRequestID: clientRequestID)
        }
    }

    /// Returns what an app may know of the person who has signed in to it (OpenID Connect Core 1.0, section 5.3).
    private func userInfo(_ routed: ServiceRequest) -> HTTPServerResponse {
        answered(routed.http) { (principal, _, _) throws(GraphFailure) in
            guard principal.permissions.contains("openid"), let user = store.user(principal.objectID) else {
                throw .denied
            }
            return GraphAnswers.json([
                "sub": .string(issuer.subject(user.id, app: principal.appID)), "name": user["displayName"] ?? .null,
                "family_name": user["surname"] ?? .null, "given_name": user["givenName"] ?? .null,
                "picture": .string("\(context.base)/v1.0/me/photo/$value"), "email": user["mail"] ?? .null,
            ])
        }
    }

    /// Returns the answer to a request after checking its token, with the headers of the service.
    private func answered(
        _ request: HTTPServerRequest,
        _ work: (SignedInPrincipal, _ requestID: String, _ clientRequestID: String) throws(GraphFailure) ->
            HTTPServerResponse
    ) -> HTTPServerResponse {
        let requestID = RandomBytes.uuid()
        let clientRequestID = request.headers["client-request-id"] ?? requestID
        var answer: HTTPServerResponse
        do throws(GraphFailure) {
            answer = try work(try signedIn(request), requestID, clientRequestID)
        } catch {
            answer = answers.error(error, requestID: requestID, clientRequestID: clientRequestID)
        }
        answer.headers.set("request-id", requestID)
        answer.headers.set("client-request-id", clientRequestID)
        answer.headers.set("OData-Version", "4.0")
        if request.headers["prefer"]?.lowercased().contains("immutableid") == true {
            answer.headers.set("Preference-Applied", "IdType=\"ImmutableId\"")
        }
        answer.headers.set("x-ms-ags-diagnostic", GraphAnswers.diagnostic)
        return answer
    }

    private func signedIn(_ request: HTTPServerRequest) throws(GraphFailure) -> SignedInPrincipal {
        let challenge =
            "Bearer realm=\"\", authorization_uri=\"\(context.base)/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\""
        let principal: SignedInPrincipal
        do throws(TokenMint.Refusal) { principal = try bearer.principal(request, for: .graph) } catch {
            throw GraphFailure(
                401, "InvalidAuthenticationToken", error.message, headers: ["WWW-Authenticate": challenge])
        }
        guard !bearer.isRevoked(principal) else {
            throw claimsChallenge(principal, challenge: challenge)
        }
        return principal
    }

    /// Returns the challenge for a token that was issued before a revocation (continuous access evaluation).
    private func claimsChallenge(_ principal: SignedInPrincipal, challenge: String) -> GraphFailure {
        guard principal.answersChallenges else {
            return GraphFailure(
                401, "InvalidAuthenticationToken", "Access token has been revoked.",
                headers: ["WWW-Authenticate": challenge])
        }
        let claims =
            #"{"access_token":{"nbf":{"essential":true,"value":"\#(context.now)"},"xms_caeerror":{"value":"10012"}}}"#
        return GraphFailure(
            401, "InvalidAuthenticationToken",
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            headers: [
                "WWW-Authenticate":
                    "\(challenge), error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
            ])
    }

    /// Returns the answer to a request with a valid token.
    private func answer(
        _ request: HTTPServerRequest, principal: SignedInPrincipal, requestID: String, clientRequestID: String
    ) throws(GraphFailure) -> HTTPServerResponse {
        guard var segments = GraphSegment.all(in: request.path), !segments.isEmpty else {
            throw GraphFailure(400, "BadRequest", "The path of the request is not valid.")
        }
        let version = segments.removeFirst().name.lowercased()
        let options: QueryOptions
        let searchesText = segments.first?.name.lowercased() == "sites"
        do throws(QueryFault) {
            options = try QueryOptions(parsing: request.query ?? "", searchesText: searchesText)
        } catch {
            throw GraphFailure(error)
        }
        let call = GraphCall(
            request: request, version: version, segments: segments, options: options, principal: principal,
            requestID: requestID, clientRequestID: clientRequestID)
        guard let first = segments.first else {
            return GraphAnswers.json([
                "@odata.context": .string("\(context.base)/\(version)/$metadata"),
                "value": [
                    ["name": "users", "kind": "EntitySet", "url": "users"],
                    ["name": "groups", "kind": "EntitySet", "url": "groups"],
                ],
            ])
        }
        if first.name == "$batch" {
            return try GraphBatch(call: call, answers: answers).answer { (request, id) throws(GraphFailure) in
                if let early = faults.take(for: request).flatMap({ faultAnswers.early($0, request) }) { return early }
                return try answer(request, principal: principal, requestID: id, clientRequestID: id)
            }
        }
        switch first.name.lowercased() {
        case "teams": if let answer = try teams.creation(call) { return answer }
        case "invitations": return try invitations.answer(call)
        case "security":
            let hunting = HuntingQueries(context: context, tables: logs, permissions: permissions)
            if let answer = try hunting.answer(call) { return answer }
        case "reports", "copilot": if let answer = try reports.answer(call) { return answer }
        case "rolemanagement": if let answer = try eligibility.answer(call) { return answer }
        case "me", "users":
            if let answer = try FreeBusy(context: context, store: store).answer(call) { return answer }
        default: break
        }
        let place: GraphPlace
        do throws(GraphFailure) { place = try paths.resolve(call) } catch {
            guard let empty = try emptyLists.place(call, among: paths) else { throw UnservedPath.told(error, call) }
            place = empty
        }
        try permissions.check(call, place)
        let deed = DirectoryDeed(call, place, store: store)
        let done: HTTPServerResponse
        do throws(GraphFailure) { done = try perform(call, place) } catch {
            guard error.isUnknownSegment, let empty = try emptyLists.place(call, among: paths) else {
                throw UnservedPath.told(error, call)
            }
            return try reader.read(call, empty)
        }
        deed?.note(done, in: store, at: context.now)
        return done
    }

    private func perform(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        if let answer = try teams.change(call, place) { return answer }
        if place.rest.last?.name == "$ref" { return try references.answer(call, place) }
        if case .links(let ids, _) = place.node, let key = place.rest.first?.name, GUID.isValid(key),
            place.rest.count == 1
        {
            guard call.request.method == "DELETE" else { return try reader.read(call, place) }
            // Without `/$ref` this deletes the object itself, not the reference.
            guard ids.contains(key.lowercased()), let (address, record) = store.object(key) else { throw .missing(key) }
            return try writer.delete(call, GraphPlace(.row(address, key: record.id), place.label, place.area, []))
        }
        if case .made(let kind, let rows) = place.node, kind.name == EntityKind.messageRule.name {
            let key = place.rest.first?.name
            if call.request.method != "GET" { return try rules.change(call, place) }
            guard let key else { return try reader.read(call, place) }
            guard let row = rows.first(where: { $0.id == key }) else { throw .mailItemMissing }
            return try reader.read(call, GraphPlace(.single(kind, row), place.label, place.area, []))
        }
        if case .made(let kind, let rows) = place.node, kind.name == EntityKind.roleAssignment.name {
            return try RoleAssignments(context: context, store: store, reader: reader).answer(call, place, rows)
        }
        if let last = place.rest.first?.name {
            if last.lowercased() == "photo", let owner = place.owner {
                return try photos.answer(call, place, of: owner)
            }
            if last.lowercased() == "photos", let owner = place.owner {
                return try photos.sized(call, place, of: owner)
            }
            if last == "$count", place.rest.count == 1 { return try reader.countAnswer(call, place) }
            if last == "delta", call.request.method == "GET" { return try delta.answer(call, place) }
            if place.rest.count == 1, let answer = try item(call, place, key: last) { return answer }
            return try actions.answer(call, place, named: last)
        }
        switch call.request.method {
        case "GET": return try reader.read(call, place)
        case "POST": return try writer.create(call, place)
        case "PATCH", "PUT": return try writer.update(call, place)
        case "DELETE": return try writer.delete(call, place)
        default: throw .notAllowed(call.request.method)
        }
    }

    /// Returns the answer to a read of one object of a list that belongs to another object; `nil` if the step names
    /// none.
    private func item(
        _ call: GraphCall, _ place: GraphPlace, key: String
    ) throws(GraphFailure) -> HTTPServerResponse? {
        let isRead = call.request.method == "GET"
        switch place.node {
        case .made(_, let rows):
            let isThere = isRead && rows.contains { $0.id == key }
            guard isThere || GUID.isValid(key) else { return nil }
            guard isThere else { throw .missing(key) }
            return try reader.read(call, place)
        case .collection(let address, let test?):
            guard isRead, let row = store.table(address).find(key), test(row) else { return nil }
            return try reader.read(call, GraphPlace(.row(address, key: row.id), place.label, place.area, []))
        default: return nil
        }
    }
}

/// Paths that Microsoft Graph has and the sandbox doesn't. The error says so, so that callers don't look for a mistake
/// of their own.
enum UnservedPath {
    /// Returns a failure unchanged, or the error of an unsupported path if the real service is known to have it.
    static func told(_ failure: GraphFailure, _ call: GraphCall) -> GraphFailure {
        guard failure.isUnknownSegment,
            let target = try? RequestTarget(parsing: call.request.path, service: .graph, normalization: .clean),
            isServed(call.request.method, target)
        else { return failure }
        let path = "/" + target.segments.joined(separator: "/")
        return GraphFailure(
            400, "NotServedBySandbox",
            "The sandbox doesn't know \(call.request.method) \(path); the real service does. \(failure.message)")
    }

    private static func isServed(_ method: String, _ target: RequestTarget) -> Bool {
        if PermissionTable.standard.permissions(method, target) != nil { return true }
        guard let found = GuardEngine.standard.template(of: target) else { return false }
        return EndpointIndex.standard.calls(of: found.template, counted: found.isCounted)
            .contains { $0.method == method }
    }
}

/// Roles that accounts may activate for a limited time: the eligibility part of Privileged Identity Management.
struct RoleEligibility {
    let context: TenantContext
    let store: DirectoryStore

    /// Returns the answer to `roleEligibilityScheduleInstances`; `nil` for everything else.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        let names = call.segments.map { $0.name.lowercased() }
        guard names.count >= 3, names[1] == "directory", names[2] == "roleeligibilityscheduleinstances" else {
            return nil
        }
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        guard GraphScopes(call: call, isSelf: false).isOpen ?? false else { throw .denied }
        let isOwn = names.count == 4 && names[3] == "filterbycurrentuser"
        guard names.count <= 4 else { throw .unknownSegment(call.segments[4].name) }
        if !isOwn, !call.principal.isApp {
            let roles = store.roles(of: call.principal)
            guard roles.contains(.globalAdministrator) || roles.contains(.globalReader) else { throw .denied }
        }
        let rows = NamedAccount.all.compactMap { account -> JSONValue? in
            guard let role = account.eligible, let id = store.user("\(account.address)@\(TenantIdentity.domain)")?.id,
                !isOwn || id == call.principal.objectID
            else { return nil }
            return Self.row(id, role)
        }
        if names.count == 4, !isOwn {
            let key = call.segments[3].name
            guard let row = rows.first(where: { $0["id"]?.string == key }) else { throw .missing(key) }
            return GraphAnswers.json(row)
        }
        return GraphAnswers.json([
            "@odata.context": .string(
                "\(context.base)/\(call.version)/$metadata#Collection(unifiedRoleEligibilityScheduleInstance)"),
            "value": .array(rows),
        ])
    }

    private static func row(_ principal: String, _ role: DirectoryRoleName) -> JSONValue {
        [
            "id": .string("\(role.rawValue)-\(principal)-e"), "principalId": .string(principal),
            "roleDefinitionId": .string(role.rawValue), "directoryScopeId": "/", "appScopeId": .null,
            "startDateTime": "2025-01-01T00:00:00Z", "endDateTime": .null, "memberType": "Direct",
            "roleEligibilityScheduleId": .string("\(role.rawValue)-\(principal)"),
        ]
    }
}

/// The assignments of directory roles: another view of the roles' members.
struct RoleAssignments {
    let context: TenantContext
    let store: DirectoryStore
    let reader: GraphReader

    /// Lists, shows, creates or deletes assignments.
    /// - Parameter rows: the existing assignments.
    func answer(_ call: GraphCall, _ place: GraphPlace, _ rows: [Record]) throws(GraphFailure) -> HTTPServerResponse {
        guard let key = place.rest.first?.name, key != "$count" else {
            return call.request.method == "POST" ? try create(call, place) : try reader.read(call, place)
        }
        guard let row = rows.first(where: { $0.id == key }) else { throw .missing(key) }
        switch call.request.method {
        case "GET":
            return try reader.read(
                call, GraphPlace(.single(.roleAssignment, row), place.label, place.area, []))
        case "DELETE":
            let holder = row["principalId"]?.string ?? ""
            store.changeLinks(address(row["roleDefinitionId"])) { links in
                let added = links.added.count
                links.added.removeAll { $0 == holder }
                if links.added.count == added { links.removed.insert(holder) }
            }
            return HTTPServerResponse(status: 204)
        default: throw .notAllowed(call.request.method)
        }
    }

    private func address(_ role: JSONValue?) -> LinkAddress {
        let name = DirectoryRoleName(rawValue: role?.string?.lowercased() ?? "")
        return LinkAddress(owner: name.map(store.apps.roleID) ?? "", relation: .members)
    }

    private func create(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        guard DirectoryRoleName(rawValue: body["roleDefinitionId"]?.string?.lowercased() ?? "") != nil else {
            throw .badRequest("The role definition of the assignment does not exist.")
        }
        guard let principal = body["principalId"]?.string, let holder = store.object(principal)?.1.id else {
            throw .missing(body["principalId"]?.string ?? "")
        }
        let address = address(body["roleDefinitionId"])
        guard !store.isLinked(holder, address) else { throw .conflict }
        store.changeLinks(address) { if $0.removed.remove(holder) == nil { $0.added.append(holder) } }
        let made = store.roleAssignments.first {
            $0["principalId"]?.string == holder && $0["roleDefinitionId"] == body["roleDefinitionId"]
        }
        var row: JSONObject = [
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(place.label)/$entity")
        ]
        for (name, value) in made?.members(of: .roleAssignment) ?? body { row[name] = value }
        return GraphAnswers.json(.object(row), status: 201)
    }
}

/// The check of a call: the permissions of the app, and the roles of the person.
struct GraphPermissions {
    let store: DirectoryStore

    /// Checks whether a call is permitted.
    /// - Throws: the service's error if it isn't.
    func check(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) {
        var held = call.principal.permissions
        if place.area.isDirectory, held.contains("Directory.AccessAsUser.All") {
            held.insert("Directory.ReadWrite.All")
        }
        let isRead =
            call.request.method == "GET"
            || ["getMemberGroups", "checkMemberGroups", "getMemberObjects"].contains(place.rest.first?.name ?? "")
        let isSelf: Bool
        if case .row(.users, let key) = place.node {
            isSelf = store.user(key)?.id == call.principal.objectID
        } else {
            isSelf = false
        }
        let action = place.rest.first?.name ?? ""
        let isMail = ["sendMail", "send", "reply", "replyAll", "forward"].contains(action)
        let wanted = isRead ? place.area.reading : isMail ? ["Mail.Send"] : place.area.writing
        // `Directory.AccessAsUser.All` grants all of a person's rights in the directory, though no call names it.
        let hasAll = place.area.isDirectory && held.contains("Directory.AccessAsUser.All")
        let known = hasAll ? nil : GraphScopes(call: call, isSelf: isSelf).isOpen
        let isOpen = known ?? !held.isDisjoint(with: wanted)
        guard isOpen else { throw isMail ? GraphArea.mail.denied : place.area.denied }
        if call.principal.isApp { return }
        switch place.area {
        case _ where isMail, .mail, .mailboxSettings, .calendars, .contacts:
            if let owner = place.owner { try checkMailbox(call, owner) }
        default: try checkRoles(call, place, isRead: isRead, isSelf: isSelf)
        }
    }

    /// Checks the roles of the person, which objects without an owner require besides the permission.
    private func checkRoles(
        _ call: GraphCall, _ place: GraphPlace, isRead: Bool, isSelf: Bool
    ) throws(GraphFailure) {
        let path = call.segments.map { "/" + $0.name }.joined()
        let area = RoleTable.standard.area(of: path, method: call.request.method)
        guard !isSelf, area?.content == nil else { return }
        let roles = Set(store.roles(of: call.principal).map(\.rawValue))
        guard !roles.contains(DirectoryRoleName.globalAdministrator.rawValue) else { return }
        let enough = area?.roles(reading: isRead) ?? []
        // Everybody in a tenant may read the directory itself.
        if isRead, enough.first?.name == "Directory Readers" || (enough.isEmpty && !place.area.needsReader) { return }
        if enough.isEmpty, !place.area.isDirectory, !place.area.needsReader { return }
        guard enough.contains(where: { roles.contains($0.id) }) else { throw .denied }
    }

    /// Checks the access to a mailbox: one's own, or any for an administrator or an app.
    private func checkMailbox(_ call: GraphCall, _ owner: String) throws(GraphFailure) {
        if call.principal.isApp || owner == call.principal.objectID { return }
        let roles = store.roles(of: call.principal)
        guard roles.contains(.globalAdministrator) || roles.contains(.exchangeAdministrator) else { throw .mailDenied }
    }
}

/// Invitations of guests to the directory.
struct Invitations {
    let context: TenantContext
    let store: DirectoryStore

    /// Handles `POST /invitations`.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse {
        guard call.segments.count == 1 else { throw .unknownSegment(call.segments[1].name) }
        guard call.request.method == "POST" else { throw .notAllowed(call.request.method) }
        let roles = store.roles(of: call.principal)
        guard
            !call.principal.permissions.isDisjoint(with: [
                "User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All",
            ]), call.principal.isApp || roles.contains(.globalAdministrator) || roles.contains(.userAdministrator)
        else { throw .denied }
        let body = try call.object()
        let address = body["invitedUserEmailAddress"]?.string ?? ""
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains(".") else {
            throw GraphFailure(400, "BadRequest", "The invited user email address is invalid.")
        }
        guard let back = body["inviteRedirectUrl"]?.string, back.contains("://") else {
            throw GraphFailure(400, "BadRequest", "The inviteRedirectUrl property is required and must be a valid URL.")
        }
        guard store.table(.domains).find(String(parts[1]).lowercased()) == nil else {
            throw GraphFailure(
                400, "BadRequest",
                "The invited user already exists in the directory as object ID: . They can use that account to sign in to shared apps and resources."
            )
        }
        let guest = guest(address, name: body["invitedUserDisplayName"]?.string ?? String(parts[0]))
        let answer: JSONObject = [
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#invitations/$entity"),
            "id": .string(RandomBytes.uuid()),
            "inviteRedeemUrl": .string(
                "\(context.base)/redeem?rd=\(PercentCoding.encode(back, isPlain: PercentCoding.isSegmentByte))"),
            "invitedUserDisplayName": guest["displayName"] ?? .null,
            "invitedUserType": body["invitedUserType"] ?? "Guest", "invitedUserEmailAddress": .string(address),
            "sendInvitationMessage": body["sendInvitationMessage"] ?? false, "resetRedemption": false,
            "inviteRedirectUrl": .string(back), "status": "PendingAcceptance",
            "invitedUserMessageInfo": body["invitedUserMessageInfo"]
                ?? ["messageLanguage": .null, "customizedMessageBody": .null, "ccRecipients": []],
            "invitedUser": ["id": guest["id"] ?? .null],
        ]
        return GraphAnswers.json(.object(answer), status: 201)
    }

    /// Returns the guest with an address: one that was invited before, or a new one.
    private func guest(_ address: String, name: String) -> JSONObject {
        let nickname = "\(address.map { $0 == "@" ? "_" : String($0) }.joined())#EXT#"
        let principal = "\(nickname)@\(TenantIdentity.domain)"
        if let known = store.user(principal) { return known.members(of: .user) }
        var row: JSONObject = [:]
        for property in EntityKind.user.properties {
            row[property] = EntityKind.user.types[property] == .collection ? [] : .null
        }
        let id = RandomBytes.uuid()
        let written: JSONObject = [
            "id": .string(id), "securityIdentifier": .string(Guid.securityIdentifier(id)),
            "displayName": .string(name), "mail": .string(address),
            "userPrincipalName": .string(principal), "mailNickname": .string(nickname), "accountEnabled": true,
            "userType": "Guest", "creationType": "Invitation", "externalUserState": "PendingAcceptance",
            "externalUserStateChangeDateTime": .string(ServiceTime.text(context.now)),
            "createdDateTime": .string(ServiceTime.text(context.now)), "otherMails": [.string(address)],
            "proxyAddresses": [.string("SMTP:\(address)")],
        ]
        for (property, value) in written { row[property] = value }
        store.insert(row, into: .users)
        return row
    }
}

/// Handles `getSchedule`: when people and rooms are free according to their calendars.
struct FreeBusy {
    let context: TenantContext
    let store: DirectoryStore

    /// Returns the answer; `nil` for every other call.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        guard call.segments.last?.name.lowercased() == "getschedule" else { return nil }
        try call.requirePost()
        guard GraphScopes(call: call, isSelf: true).isOpen ?? true else { throw .mailDenied }
        let body = try call.object()
        guard let names = body["schedules"]?.array?.compactMap(\.string), !names.isEmpty,
            let start = try CalendarTime.seconds(body["startTime"]),
            let end = try CalendarTime.seconds(body["endTime"]), start < end
        else {
            throw GraphFailure(
                400, "ErrorInvalidParameter", "The parameters schedules, startTime and endTime are needed.")
        }
        let interval = Int64(min(max(body["availabilityViewInterval"]?.int ?? 30, 5), 1440)) * 60
        let zone = call.preference("outlook.timezone") ?? "UTC"
        var rows: [JSONValue] = []
        for name in names { rows.append(try row(name, start, end, interval, in: zone)) }
        return GraphAnswers.json([
            "@odata.context": .string(
                "\(context.base)/\(call.version)/$metadata#Collection(microsoft.graph.scheduleInformation)"),
            "value": .array(rows),
        ])
    }

    /// - Parameter zone: the zone on whose clock the caller wants the times.
    private func row(_ name: String, _ start: Int64, _ end: Int64, _ interval: Int64, in zone: String)
        throws(GraphFailure) -> JSONValue
    {
        guard let user = store.user(name) else {
            return [
                "scheduleId": .string(name), "availabilityView": "",
                "error": [
                    "message": "Unable to resolve e-mail address to an Active Directory object.",
                    "responseCode": "ErrorMailRecipientNotFound",
                ],
            ]
        }
        let busy = store.table(.events(user.id)).all.compactMap { event -> (Int64, Int64, JSONValue)? in
            guard let from = try? CalendarTime.seconds(event["start"]),
                let to = try? CalendarTime.seconds(event["end"]), from < end, to > start
            else { return nil }
            return (from, to, event["showAs"] ?? "busy")
        }
        var view = ""
        for slot in stride(from: start, to: end, by: Int(interval)) {
            view += busy.contains { $0.0 < slot + interval && $0.1 > slot } ? "2" : "0"
        }
        var items: [JSONValue] = []
        for (from, to, status) in busy {
            items.append([
                "status": status, "start": try CalendarTime.value(from, in: zone),
                "end": try CalendarTime.value(to, in: zone),
            ])
        }
        return [
            "scheduleId": .string(name), "availabilityView": .string(view), "scheduleItems": .array(items),
        ]
    }
}

/// A write to the directory, as an entry of its audit log.
struct DirectoryDeed {
    private let name: String
    private let category: String
    private let operation: String
    private let principal: SignedInPrincipal
    private let userName: JSONValue
    private let correlation: String
    /// The object before the write, because a deleted one has no name afterwards.
    private let target: JSONValue?

    /// Creates the entry for a request; `nil` for reads, and for objects outside of the directory.
    init?(_ call: GraphCall, _ place: GraphPlace, store: DirectoryStore) {
        guard call.request.method != "GET", place.area.isDirectory else { return nil }
        let key: String?
        let address: TableAddress?
        switch place.node {
        case .row(let table, let id): (address, key) = (table, id)
        case .links(_, let link?): (address, key) = (store.object(link.owner)?.0, link.owner)
        case .collection(let table, _): (address, key) = (table, nil)
        default: return nil
        }
        let noun: String
        switch address {
        case .users, .deletedUsers: (noun, category) = ("user", "UserManagement")
        case .groups, .deletedGroups: (noun, category) = ("group", "GroupManagement")
        case .directoryRoles: (noun, category) = ("role", "RoleManagement")
        case .applications, .deletedApplications: (noun, category) = ("application", "ApplicationManagement")
        case .servicePrincipals, .deletedServicePrincipals:
            (noun, category) = ("service principal", "ApplicationManagement")
        default: return nil
        }
        var isLink = false
        if case .links = place.node { isLink = true }
        switch (call.request.method, place.rest.first?.name) {
        case ("POST", "restore"): (operation, name) = ("Restore", "Restore \(noun)")
        case ("POST", "assignLicense"): (operation, name) = ("Update", "Change user license")
        case ("POST", _) where isLink: (operation, name) = ("Add", "Add member to \(noun)")
        case ("DELETE", _) where isLink: (operation, name) = ("Remove", "Remove member from \(noun)")
        case ("POST", nil): (operation, name) = ("Add", "Add \(noun)")
        case ("DELETE", nil): (operation, name) = ("Delete", "Delete \(noun)")
        case ("PATCH", _), ("PUT", _), ("DELETE", _): (operation, name) = ("Update", "Update \(noun)")
        default: return nil
        }
        principal = call.principal
        userName = store.user(call.principal.objectID)?["userPrincipalName"] ?? .null
        correlation = call.clientRequestID
        let record = key.flatMap { key in address.flatMap { store.table($0).find(key) } }
        target = record.map { Self.target(id: $0.id, name: $0["displayName"], noun: noun) }
    }

    private static let types = [
        "user": "User", "group": "Group", "role": "Role", "application": "Application",
        "service principal": "ServicePrincipal",
    ]

    private static func target(id: String, name: JSONValue?, noun: String) -> JSONValue {
        ["id": .string(id), "displayName": name ?? .null, "type": .string(types[noun] ?? "Other")]
    }

    /// Adds the entry to the log if the write succeeded.
    func note(_ answer: HTTPServerResponse, in store: DirectoryStore, at now: Int64) {
        guard (200..<300).contains(answer.status) else { return }
        var made: JSONValue?
        if case .bytes(let bytes) = answer.body, let body = try? JSONParser.parse(bytes), let id = body["id"]?.string {
            made = Self.target(id: id, name: body["displayName"], noun: "object")
        }
        let by: JSONValue =
            principal.isApp
            ? ["user": .null, "app": ["servicePrincipalId": .string(principal.objectID), "displayName": .null]]
            : ["user": ["id": .string(principal.objectID), "userPrincipalName": userName], "app": .null]
        store.insert(
            [
                "id": .string("Directory_\(RandomBytes.uuid())"), "category": .string(category),
                "correlationId": .string(correlation), "result": "success", "resultReason": "",
                "activityDisplayName": .string(name), "activityDateTime": .string(ServiceTime.text(now)),
                "loggedByService": "Core Directory", "operationType": .string(operation), "initiatedBy": by,
                "targetResources": .array([target ?? made].compactMap(\.self)), "additionalDetails": [],
            ], into: .directoryAudits)
    }
}
