import MMCore
import MMHTTP
import MMIdentity

/// A refusal in the form that the service itself uses, so that its cmdlets fail as for the service's own 403.
enum ServiceRefusal {
    /// Returns the headers and the body of an answer.
    /// - Parameters:
    ///   - fault: the reason.
    ///   - code: the judge's word, if the judge refused.
    ///   - place: the host that the request was for, if it is known.
    static func answer(
        _ fault: WireFault, code: String?, place: EgressPlace?
    ) -> (headers: HTTPHeaders, body: [UInt8]) {
        // Tables and data lakes answer in JSON.
        let label = place?.host.split(separator: ".").dropFirst().first ?? ""
        guard place?.service == .storage, ["blob", "file", "queue"].contains(label) else {
            return (["Content-Type": "application/json"], body(fault, code: code, service: place?.service))
        }
        let error = "AuthorizationPermissionMismatch"
        let text =
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(error)</Code>"
            + "<Message>Microsoft Master: \(HTMLText.escaped(fault.message))</Message>"
            + "<Reason>\(HTMLText.escaped(code ?? fault.kind.rawValue))</Reason></Error>"
        return (["Content-Type": "application/xml", "x-ms-error-code": error], Array(text.utf8))
    }

    /// Returns the body of an answer in JSON.
    /// - Parameters:
    ///   - fault: the reason.
    ///   - code: the judge's word, if the judge refused.
    ///   - service: the service that the request was for; `nil` for other hosts.
    static func body(_ fault: WireFault, code: String?, service: CloudHost.Service?) -> [UInt8] {
        let word = code ?? fault.kind.rawValue
        let text = "Microsoft Master: \(fault.message)"
        let value: JSONValue
        switch service {
        case .signIn?:
            // On `access_denied`, MSAL ends a sign-in without trying again. On `invalid_grant` it starts a new one, if
            // it kept a refresh token of an earlier session (RFC 6749, section 5.2).
            let error = fault.kind == .foreignCredential ? "invalid_grant" : "access_denied"
            value = ["error": .string(error), "error_description": .string(text), "suberror": .string(word)]
        case .resource(.sharePoint)?:
            value = [
                "odata.error": [
                    "code": .string("-2147024891, System.UnauthorizedAccessException"),
                    "message": ["lang": "en-US", "value": .string(text)],
                ],
                "reason": .string(word),
            ]
        case .resource(.arm)?, .resource(.keyVault)?:
            value = ["error": ["code": "AuthorizationFailed", "message": .string(text), "reason": .string(word)]]
        case .resource(.graph)?:
            value = [
                "error": [
                    "code": "Authorization_RequestDenied", "message": .string(text),
                    "innerError": ["code": .string(word)],
                ]
            ]
        default:
            value = ["error": ["code": "Forbidden", "message": .string(text), "reason": .string(word)]]
        }
        return JSONWriter.bytes(value)
    }
}
