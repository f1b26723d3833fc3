internal import MMCore

/// The `claims` parameter of sign-in requests: what an access token must carry (OpenID Connect Core 1.0, section 5.5).
package enum Claims {
    /// The claims that tell a service what this client can handle, as in `{"access_token":{"xms_cc":{"values":["CP1"]}}}`.
    ///
    /// `CP1` means that claims challenges are understood; without it Graph refuses a revoked token plainly instead of
    /// saying what a new one needs (Microsoft identity platform, "Claims challenges and client capabilities").
    /// - Returns: `nil` when there are no capabilities.
    package static func declaring(_ capabilities: [String]) -> String? {
        guard !capabilities.isEmpty else { return nil }
        let values = JSONValue.array(capabilities.map { .string($0) })
        return JSONWriter.string(["access_token": ["xms_cc": ["values": values]]])
    }

    /// Two claims texts as one; of two values in one place the one in `overlay` counts.
    /// - Returns: the other where one is `nil` or no JSON object.
    package static func merged(_ base: String?, _ overlay: String?) -> String? {
        guard let left = object(base) else { return object(overlay) == nil ? nil : overlay }
        guard let right = object(overlay) else { return base }
        return JSONWriter.string(.object(merge(left, right)))
    }

    /// The claims of a challenge's `claims` parameter: JSON as base64, in either alphabet, filled up or not.
    /// - Returns: the JSON text, or `nil` when it is none.
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
