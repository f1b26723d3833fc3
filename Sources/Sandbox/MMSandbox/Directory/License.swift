internal import MMCore

/// The products that the tenant has bought.
struct License: Sendable {
    let sku: String
    let part: String
    /// The name in reports.
    let product: String
    let plans: [(id: String, name: String, service: String)]
    /// How many seats, as a part of the number of users in percent.
    let seats: Int

    static let all: [License] = [
        License(
            sku: "05e9a617-0261-4cee-bb44-138d3ef5d965", part: "SPE_E3", product: "MICROSOFT 365 E3",
            plans: [
                ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"),
                ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"),
                ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"),
            ], seats: 75),
        License(
            sku: "06ebc4ee-1bb5-47dd-8120-11324bc54e06", part: "SPE_E5", product: "MICROSOFT 365 E5",
            plans: [
                ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"),
                ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"),
                ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"),
                ("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2", "AADPremiumService"),
            ], seats: 30),
        License(
            sku: "66b55226-6b4f-492c-910c-a3b7a3c9d993", part: "SPE_F1", product: "MICROSOFT 365 F3",
            plans: [("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange")], seats: 15),
    ]

    /// The entry of `assignedLicenses`.
    var assignment: JSONValue { ["disabledPlans": [], "skuId": .string(sku)] }

    var servicePlans: JSONValue {
        .array(
            plans.map {
                [
                    "servicePlanId": .string($0.id), "servicePlanName": .string($0.name),
                    "provisioningStatus": "Success",
                    "appliesTo": "User",
                ]
            })
    }

    func assignedPlans(since created: Int64) -> [JSONValue] {
        plans.map {
            [
                "assignedDateTime": .string(ServiceTime.text(created)), "capabilityStatus": "Enabled",
                "service": .string($0.service), "servicePlanId": .string($0.id),
            ]
        }
    }
}
