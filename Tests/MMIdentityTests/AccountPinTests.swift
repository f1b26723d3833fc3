import MMCore
import Testing

@testable import MMIdentity

@Suite("The pinned account of a connection", .timeLimit(.minutes(5)))
struct AccountPinTests {
    @Test(
        "is identified by tenant and object, and by its name only if the pin has no object",
        arguments: [
            ("T1", "O1", "a@x", ("t1", "o1", "b@x"), true), ("T1", "O1", "a@x", ("T2", "O1", "a@x"), false),
            ("T1", "O1", "a@x", ("T1", "O2", "a@x"), false), ("T1", "O1", nil, ("T1", "O1", "a@x"), true),
            ("T1", nil, "a@x", ("T1", "O2", "A@x"), true), ("T1", nil, "a@x", ("T2", "O2", "a@x"), false),
            ("T1", nil, "a@x", ("T1", "O2", "b@x"), false), ("T1", nil, nil, ("T1", "O2", ""), false),
        ] as [(String, String?, String?, (tenant: String, object: String, name: String), Bool)])
    func covers(
        tenant: String, object: String?, name: String?, given: (tenant: String, object: String, name: String),
        isCovered: Bool
    ) {
        let account = SignedInAccount(
            username: given.name, objectID: given.object, tenantID: given.tenant, homeAccountID: "x")
        #expect(AccountPin(tenantId: tenant, objectId: object, username: name).covers(account) == isCovered)
    }
}
