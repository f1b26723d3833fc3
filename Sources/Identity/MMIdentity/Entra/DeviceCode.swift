package import MMCore

/// A device code and what a person needs to approve it (RFC 8628, section 3.2).
package struct DeviceCode: Sendable {
    /// The code to poll with. It is as good as a password while it is valid, so it is never shown or logged.
    package let deviceCode: Secret
    /// The code that the person types.
    package let userCode: String
    /// The page where the person types it.
    package let verificationURI: String
    /// The service's own instructions.
    package let message: String
    /// The lifetime of the code in seconds.
    package let expiresIn: Int
    /// The minimum time between two polls in seconds.
    package let interval: Int

    /// Parses the body of an answer.
    /// - Throws: `.remoteFailed` when something that a person or a poll needs is missing.
    package init(_ body: [UInt8], cloud: Cloud) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object,
            let deviceCode = object["device_code"]?.string, !deviceCode.isEmpty,
            let userCode = object["user_code"]?.string, !userCode.isEmpty
        else {
            throw MMError(
                .remoteFailed, "The sign-in service's answer has no device code.",
                hint:
                    "A proxy or a captive portal may be between mm and the service. Check the network.")
        }
        self.deviceCode = Secret(deviceCode)
        self.userCode = userCode
        let page = (object["verification_uri"] ?? object["verification_url"])?.string
        verificationURI = page.flatMap { WebAddress($0) == nil ? nil : $0 } ?? cloud.deviceCodePage
        let sentence = object["message"]?.string ?? ""
        message =
            sentence.isEmpty ? "To sign in, open \(verificationURI) and enter the code \(userCode)." : sentence
        let life = object["expires_in"]?.int ?? object["expires_in"]?.string.flatMap { Int($0) } ?? 900
        expiresIn = min(max(life, 1), 86_400)
        let pause = object["interval"]?.int ?? object["interval"]?.string.flatMap { Int($0) } ?? 5
        interval = min(max(pause, 1), 300)
    }
}
