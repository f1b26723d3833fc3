internal import MMCore
internal import MMHTTP

/// The effects of faults on requests and answers, in the format of the requested service.
struct FaultAnswers {
    let context: TenantContext
    let store: DirectoryStore
    let devices: DeviceCodes
    private var graph: GraphAnswers { GraphAnswers(context: context, store: store) }

    /// Returns the answer that a fault gives instead of the service's own.
    func early(_ fault: Fault, _ request: HTTPServerRequest) -> HTTPServerResponse? {
        switch fault.kind {
        case .latency, .torn, .endlessPaging, .foreignNextLink, .revoked: return nil
        case .status(let status, let retryAfter): return failure(status, retryAfter: retryAfter, request)
        case .expiredToken:
            return refusal(request, message: TokenMint.Refusal.expired.message, extra: "")
        case .claimsChallenge:
            let claims =
                #"{"access_token":{"nbf":{"essential":true,"value":"\#(context.now)"},"xms_caeerror":{"value":"10012"}}}"#
            return refusal(
                request,
                message:
                    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
                extra: ", error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\"")
        case .challenge(let authentication):
            let claims = #"{"access_token":{"acrs":{"essential":true,"value":"\#(authentication)"}}}"#
            return refusal(
                request,
                message:
                    "The presented access tokens are insufficient for the requested operation; additional claims are required.",
                extra: ", error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\"")
        case .refusedConsent:
            return KnownTokenFaults.fault(65_001).answer(to: request, now: context.now)
        case .expiredCode:
            if let code = request.form["device_code"] { devices.end(code) }
            return nil
        case .wrongAccount(let account):
            guard let code = request.form["device_code"], devices.isApproved(code), let other = store.user(account)
            else { return nil }
            devices.decide(code, .approved(userID: other.id))
            return nil
        case .tokenError(let number):
            guard request.path.contains("/oauth2/") else { return nil }
            return KnownTokenFaults.fault(number).answer(to: request, now: context.now)
        case .redirect(let target): return HTTPServerResponse(status: 302, headers: ["Location": target])
        case .resync:
            return graph.error(
                GraphFailure(
                    410, "resyncRequired", "Resync required.", headers: ["Location": "\(context.base)\(request.path)"]),
                requestID: RandomBytes.uuid(), clientRequestID: RandomBytes.uuid())
        case .garbage:
            return HTTPServerResponse(
                status: 200, contentType: "application/json", body: Array("{\"value\": [{\"id\": ".utf8))
        }
    }

    /// Returns an answer with the next link that a fault sets.
    func changed(_ answer: HTTPServerResponse, by fault: Fault, of request: HTTPServerRequest) -> HTTPServerResponse {
        guard answer.status == 200, var members = (try? JSONParser.parse(answer.bytes))?.object,
            members["value"]?.array != nil
        else { return answer }
        let own =
            request.path.hasPrefix("/adminapi")
            ? "\(context.base)\(request.path)?$skiptoken=again" : "\(context.base)/v1.0/users?$top=5"
        let key = members["@odata.context"] == nil ? "nextLink" : "@odata.nextLink"
        let link = members[key]?.string ?? own
        switch fault.kind {
        case .endlessPaging: members[key] = .string(link)
        case .foreignNextLink(let host): members[key] = .string(host + link.dropFirst(context.base.count))
        default: return answer
        }
        var changed = answer
        changed.body = .bytes(JSONWriter.bytes(.object(members)))
        return changed
    }

    private func refusal(_ request: HTTPServerRequest, message: String, extra: String) -> HTTPServerResponse {
        let challenge =
            "Bearer realm=\"\", authorization_uri=\"\(context.base)/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"\(extra)"
        let id = RandomBytes.uuid()
        var answer = graph.error(
            GraphFailure(401, "InvalidAuthenticationToken", message, headers: ["WWW-Authenticate": challenge]),
            requestID: id,
            clientRequestID: request.headers["client-request-id"] ?? id)
        answer.headers.set("request-id", id)
        answer.headers.set("client-request-id", request.headers["client-request-id"] ?? id)
        answer.headers.set("x-ms-ags-diagnostic", GraphAnswers.diagnostic)
        return answer
    }

    /// Returns the error with a status in the format of the requested service.
    private func failure(_ status: Int, retryAfter: Int?, _ request: HTTPServerRequest) -> HTTPServerResponse {
        var answer: HTTPServerResponse
        let isOfSignIn = request.path.contains("/oauth2/")
        if status == 502 || isOfSignIn && status < 500 && status != 429 {
            // A gateway answers instead of the service, which always names its error.
            answer = HTTPServerResponse(
                status: status, contentType: "text/html", body: Array("<html><body>\(status)</body></html>".utf8))
        } else if isOfSignIn {
            let fault: TokenFault =
                switch status {
                case 429: TokenFault("temporarily_unavailable", 90_055, "Too many requests.", status: 429)
                case 503:
                    TokenFault(
                        "temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.",
                        status: 503)
                default:
                    TokenFault(
                        "server_error", 90_006, "The service is temporarily unavailable. Please retry later.",
                        status: status)
                }
            answer = fault.answer(to: request, now: context.now)
        } else if request.path.hasPrefix("/v1.0") || request.path.hasPrefix("/beta") {
            let (code, message) = Self.graphWords(status)
            let id = RandomBytes.uuid()
            answer = graph.error(
                GraphFailure(status, code, message), requestID: id,
                clientRequestID: request.headers["client-request-id"] ?? id)
            answer.headers.set("request-id", id)
            answer.headers.set("client-request-id", request.headers["client-request-id"] ?? id)
            answer.headers.set("x-ms-ags-diagnostic", GraphAnswers.diagnostic)
            if status == 429, retryAfter != nil {
                answer.headers.set(
                    "x-ms-throttle-scope", "Tenant_Application/ReadWrite/\(TenantIdentity.demoApp)/\(TenantIdentity.id)"
                )
                answer.headers.set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
            }
        } else {
            let (code, message) = Self.platformWords(status, request)
            answer = .failure(status, code, message)
        }
        if let retryAfter { answer.headers.set("Retry-After", "\(retryAfter)") }
        return answer
    }

    private static func graphWords(_ status: Int) -> (String, String) {
        switch status {
        case 429: ("TooManyRequests", "Too Many Requests")
        case 403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        case 404:
            (
                "Request_ResourceNotFound",
                "Resource does not exist or one of its queried reference-property objects are not present."
            )
        case 500: ("generalException", "General exception while processing")
        case 503: ("serviceNotAvailable", "The service is temporarily unavailable.")
        case 504: ("UnknownError", "")
        default: ("UnknownError", "The request failed with status \(status).")
        }
    }

    private static func platformWords(_ status: Int, _ request: HTTPServerRequest) -> (String, String) {
        switch status {
        case 429:
            request.path.hasPrefix("/subscriptions")
                ? ("SubscriptionRequestsThrottled", "Too many requests.")
                : ("TooManyRequests", "Rate limit is exceeded. Try again later.")
        case 403: ("AuthorizationFailed", "The client does not have authorization to perform the action.")
        case 503: ("ServiceUnavailable", "The service is temporarily unavailable.")
        default: ("InternalServerError", "The request failed with status \(status).")
        }
    }
}
