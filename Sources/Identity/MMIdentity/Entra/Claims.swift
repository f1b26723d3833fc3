internal import MMCore

/// The `claims` parameter of sign-in requests, which says what an access token must carry (OpenID Connect Core 1.0,
/// section 5.5).
package enum Claims {
    /// Returns the claims that declare this client's capabilities, such as
    /// `{"access_token":{"xms_cc":{"values":["CP1"]}}}`.
    ///
    /// `CP1` means that the client handles claims challenges. Without it Graph merely refuses a revoked token instead
    /// of saying what a new one needs (Microsoft identity platform, "Claims challenges and client capabilities").
    /// - Returns: `nil` when there are no capabilities.
    package static func declaring(_ capabilities: [String]) -> String? {
        guard !capabilities.isEmpty else { return nil }
        let values = JSONValue.array(capabilities.map { .string($0) })
        return JSONWriter.string(["access_token": ["xms_cc": ["values": values]]])
    }

    /// Merges two claims texts; where both have a value in the same place, `overlay` wins.
    /// - Returns: the other text if one is `nil` or not a JSON object.
    package static func merged(_ base: String?, _ overlay: String?) -> String? {
        guard let left = object(base) else { return object(overlay) == nil ? nil : overlay }
        guard let right = object(overlay) else { return base }
        return JSONWriter.string(.object(merge(left, right)))
    }

    /// Decodes the `claims` parameter of a challenge: JSON in base64, in either alphabet, with or without padding.
    /// - Returns: the JSON text, or `nil` if it isn't a JSON object.
    package static func decoded(challenge: String) -> String? {
        let plain = challenge.replacing("-", with: "+").replacing("_", with: "/")
        let text = plain.hasSuffix("=") ? String(plain.prefix { $0 != "=" }) : plain
        guard let bytes = Base64.bytes(text), let json = String(validating: bytes, as: UTF8.self), object(json) != nil
        else {
            return nil
        }
        return json
    }

    private static func object(_ text: String?) -> JSONObject? {
        guard let text else { return nil }
        return (try? JSONParser.parse(text, limits: JSONLimits(bytes: 64 << 10, depth: 16)))?.object
    }

    private static func merge(_ base: JSONObject, _ overlay: JSONObject) -> JSONObject {
        var result = base
        for (key, value) in overlay {
            if let inner = value.object, let below = base[key]?.object {
                result[key] = .object(merge(below, inner))
            } else {
                result[key] = value
            }
        }
        return result
    }
}
