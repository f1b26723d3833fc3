import MMCore
import MMIdentity

/// A refusal in the shape in which a service says no itself, so that its cmdlets fail as they do for a 403 of its own.
enum ServiceRefusal {
    /// The body of an answer.
    /// - Parameters:
    ///   - fault: why.
    ///   - code: the judge's word, where it was the judge.
    ///   - service: the service that was asked; nil for other hosts.
    static func body(_ fault: WireFault, code: String? = nil, service: CloudHost.Service?) -> [UInt8] {
        let word = code ?? fault.kind.rawValue
        let text = "Microsoft Master: \(fault.message)"
        let value: JSONValue
        switch service {
        case .signIn?:
            // What MSAL ends a sign-in with, without trying again; or what makes it ask for a new one, where it kept a
            // refresh token of a session that is gone (RFC 6749, section 5.2).
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
