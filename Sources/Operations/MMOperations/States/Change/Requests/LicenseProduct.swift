/// Common licence products with the names that Microsoft publishes ("Product names and service plan identifiers for
/// licensing"), and whether they include a mailbox.
package enum LicenseProduct {
    /// Returns the name of a product, or its id where the name is not known.
    package static func name(of id: String) -> String { products[id.lowercased()]?.name ?? id }

    /// Whether a product includes an Exchange Online plan; `nil` where that is not known.
    package static func holdsMailbox(_ id: String) -> Bool? { products[id.lowercased()]?.holdsMailbox }

    private static let products: [String: (name: String, holdsMailbox: Bool)] = [
        "05e9a617-0261-4cee-bb44-138d3ef5d965": ("SPE_E3", true),
        "06ebc4ee-1bb5-47dd-8120-11324bc54e06": ("SPE_E5", true),
        "66b55226-6b4f-492c-910c-a3b7a3c9d993": ("SPE_F1", true),
        "18181a46-0d4e-45cd-891e-60aabd171b4e": ("STANDARDPACK", true),
        "6fd2c87f-b296-42f0-b197-1e91e994b900": ("ENTERPRISEPACK", true),
        "c7df2760-2c81-4ef7-b578-5b5392b571df": ("ENTERPRISEPREMIUM", true),
        "4b9405b0-7788-4568-add1-99614e613b69": ("EXCHANGESTANDARD", true),
        "19ec0d23-8335-4cbd-94ac-6050e30712fa": ("EXCHANGEENTERPRISE", true),
        "80b2d799-d2ba-4d2a-8842-fb0d0f3a4b82": ("EXCHANGEDESKLESS", true),
        "3b555118-da6a-4418-894f-7df1e2096870": ("O365_BUSINESS_ESSENTIALS", true),
        "f245ecc8-75af-4f8e-b61f-27d8114de5f3": ("O365_BUSINESS_PREMIUM", true),
        "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46": ("SPB", true), "efccb6f7-5641-4e0e-bd10-b4976e1bf68e": ("EMS", false),
        "b05e124f-c7cc-45a0-a6aa-8cf78c946968": ("EMSPREMIUM", false),
        "078d2b04-f1bd-4111-bbd4-b4b1b354cef4": ("AAD_PREMIUM", false),
        "84a661c4-e949-4bd2-a560-ed7766fcaf2b": ("AAD_PREMIUM_P2", false),
        "f30db892-07e9-47e9-837c-80727f46fd3d": ("FLOW_FREE", false),
        "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235": ("POWER_BI_STANDARD", false),
    ]
}
