internal import MMCore
internal import MMHTTP

/// Graph: reads what a request asks for out of its path, checks who may, and hands it to who answers it.
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
    let faults: FaultPlan
    let faultAnswers: FaultAnswers

    // Its parts remember nothing.
    private var answers: GraphAnswers { GraphAnswers(context: context, store: store) }
    private var drives: DrivePaths { DrivePaths(store: store) }
    private var rules: MessageRules { MessageRules(context: context, store: store, organization: organization) }
    private var mail: GraphMail { GraphMail(context: context, store: store, outbox: outbox, answers: answers) }
    private var teams: GraphTeams { GraphTeams(context: context, store: store, outbox: outbox, answers: answers) }
    private var items: GraphFiles {
        GraphFiles(context: context, store: store, storage: files, drives: drives, answers: answers)
    }
    private var reader: GraphReader { GraphReader(context: context, store: store, answers: answers) }
    private var paths: GraphPaths {
        GraphPaths(
            store: store, drives: drives, sites: SitePaths(store: store, drives: drives),
            teams: TeamPaths(store: store), mail: MailPaths(store: store, rules: rules), settings: settings)
    }
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

    /// What it answers: whatever stands below a version; what a path means there, OData says.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.graph }
        for version in ["v1.0", "beta"] { routes.all("/\(version)/{path...}", Self.answer) }
        return routes.router
    }

    private func answer(_ routed: ServiceRequest) -> HTTPServerResponse {
        let request = routed.http
        let requestID = RandomBytes.uuid()
        let clientRequestID = request.headers["client-request-id"] ?? requestID
        var answer: HTTPServerResponse
        do throws(GraphFailure) {
            let principal = try signedIn(request)
            answer = try self.answer(
                request, principal: principal, requestID: requestID, clientRequestID: clientRequestID)
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

    /// The answer to a token that was issued before a revocation (continuous access evaluation).
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

    /// The answer of a request whose token is in order.
    private func answer(
        _ request: HTTPServerRequest, principal: SignedInPrincipal, requestID: String, clientRequestID: String
    ) throws(GraphFailure) -> HTTPServerResponse {
        guard var segments = GraphSegment.all(in: request.path), !segments.isEmpty else {
            throw GraphFailure(400, "BadRequest", "The path of the request is not valid.")
        }
        let version = segments.removeFirst().name.lowercased()
        let options: QueryOptions
        do throws(QueryFault) { options = try QueryOptions(parsing: request.query ?? "") } catch {
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
        case "reports": if let answer = try reports.answer(call) { return answer }
        case "rolemanagement": if let answer = try eligibility.answer(call) { return answer }
        case "me", "users":
            if let answer = try FreeBusy(context: context, store: store).answer(call) { return answer }
        default: break
        }
        let place: GraphPlace
        do throws(GraphFailure) { place = try paths.resolve(call) } catch { throw UnservedPath.told(error, call) }
        try permissions.check(call, place)
        let deed = DirectoryDeed(call, place, store: store)
        let done: HTTPServerResponse
        do throws(GraphFailure) { done = try perform(call, place) } catch { throw UnservedPath.told(error, call) }
        deed?.note(done, in: store, at: context.now)
        return done
    }

    private func perform(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        if place.rest.last?.name == "$ref" { return try references.answer(call, place) }
        if case .links(let ids, _) = place.node, let key = place.rest.first?.name, GUID.isValid(key),
            place.rest.count == 1
        {
            guard call.request.method == "DELETE" else { return try reader.read(call, place) }
            // Without /$ref this is not about the reference: the object itself goes.
            guard ids.contains(key.lowercased()), let (address, record) = store.object(key) else { throw .missing(key) }
            return try writer.delete(call, GraphPlace(.row(address, key: record.id), place.label, place.area, []))
        }
        if case .made(let kind, let rows) = place.node, kind.name == EntityKind.messageRule.name {
            let key = place.rest.first?.name
            if call.request.method != "GET" { return try rules.change(call, place) }
            guard let key else { return try reader.read(call, place) }
            guard let row = rows.first(where: { $0.id == key }) else { throw .mailItemMissing }
            return try reader.read(call, GraphPlace(.single(kind, row), "\(place.label)/$entity", place.area, []))
        }
        if case .made(let kind, let rows) = place.node, kind.name == EntityKind.roleAssignment.name {
            return try RoleAssignments(context: context, store: store, reader: reader).answer(call, place, rows)
        }
        if let last = place.rest.first?.name {
            if last == "$count", place.rest.count == 1 { return try reader.countAnswer(call, place) }
            if last == "delta", call.request.method == "GET" { return try delta.answer(call, place) }
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
}
