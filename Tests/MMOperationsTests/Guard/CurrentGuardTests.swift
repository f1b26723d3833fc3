import MMCore
import Testing

@testable import MMOperations

@Suite("The guard with the user's own rules", .timeLimit(.minutes(5)))
struct CurrentGuardTests {
    @Test(
        "judges nothing without the rules that MM_GUARD_RULES names",
        arguments: ["~/rules.json", "/nowhere/rules.json"])
    func named(path: String) throws {
        let error = #expect(throws: MMError.self) {
            try CurrentGuard(environment: ["HOME": "/nowhere", "MM_GUARD_RULES": path]).engine()
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message == "MM_GUARD_RULES names /nowhere/rules.json, which doesn't exist.")
    }

    @Test("needs no rules where none are named", arguments: [nil, ""])
    func usual(path: String?) throws {
        var environment = ["HOME": "/nowhere"]
        environment["MM_GUARD_RULES"] = path
        _ = try CurrentGuard(environment: environment).engine()
    }
}
