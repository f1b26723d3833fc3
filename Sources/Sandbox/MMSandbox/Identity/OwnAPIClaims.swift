internal import MMCore

/// The claims of an access token for the tenant's own API: of version 2.0, with the groups of the account as far as they have room.
struct OwnAPIClaims {
    /// Who issues it.
    let issuer: String
    /// How many groups have room ("groups overage claim").
    let most: Int

    /// Makes them of those of version 1.0.
    func claims(_ given: JSONObject, groups: [String]) -> JSONObject {
        var claims = given
        claims["aud"] = .string(TenantIdentity.automationApp)
        claims["iss"] = .string(issuer)
        claims["ver"] = "2.0"
        claims["azp"] = given["appid"]
        claims["azpacr"] = given["appidacr"]
        claims["preferred_username"] = given["upn"]
        for name in ["appid", "appidacr", "upn", "unique_name", "app_displayname", "acct", "amr", "ipaddr", "wids"] {
            claims[name] = nil
        }
        if groups.count <= most {
            claims["groups"] = .array(groups.map { .string($0) })
        } else {
            // The place is one that no longer answers; readers ask Graph.
            claims["_claim_names"] = ["groups": "src1"]
            claims["_claim_sources"] = [
                "src1": [
                    "endpoint": .string(
                        "https://graph.windows.net/\(given["tid"]?.string ?? "")/users/"
                            + "\(given["oid"]?.string ?? "")/getMemberObjects")
                ]
            ]
        }
        return claims
    }
}
