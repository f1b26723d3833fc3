import MMCore
import MMIdentity

/// A refusal in the form that the service itself uses, so that its cmdlets fail as for the service's own 403.
enum ServiceRefusal {
    /// Returns the body of an answer.
    /// - Parameters:
    ///   - fault: the reason.
    ///   - code: the judge's word, if the judge refused.
    ///   - service: the service that the request was for; `nil` for other hosts.
    static func body(_ fault: WireFault, code: String? = nil, service: CloudHost.Service?) -> [UInt8] {
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
