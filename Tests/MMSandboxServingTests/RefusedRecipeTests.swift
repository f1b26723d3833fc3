import MMCore
import MMOperations
import Testing

@Suite("A refusal never looks like an answer: recipes and requests", .timeLimit(.minutes(30)))
struct RefusedRecipeTests {
    private func arguments(_ recipe: RecipeCase) -> JSONObject {
        var arguments: JSONObject = ["tool": .string(recipe.name), "connection": "Demo"]
        if !recipe.param.isEmpty { arguments["param"] = .object(recipe.param) }
        return arguments
    }

    /// The places among a call's requests that differ in kind: of paths that differ in ids alone, the first and the
    /// last.
    private func places(_ paths: [String]) -> [(path: String, skipped: Int)] {
        func shape(_ path: String) -> String {
            path.split(separator: "/").map { part in
                part.count > 20 || part.contains("@") || part.contains(where: \.isNumber) && part != "v1.0" ? "*" : part
            }.joined(separator: "/")
        }
        var first: [String: Int] = [:]
        var last: [String: Int] = [:]
        for (index, path) in paths.enumerated() {
            if first[shape(path)] == nil { first[shape(path)] = index }
            last[shape(path)] = index
        }
        return Set(first.values).union(last.values).sorted().map { index in
            (paths[index], paths[..<index].count { $0.hasPrefix(paths[index]) })
        }
    }

    @Test("each recipe says that one of its requests was refused", arguments: Refusal.swift)
    func recipes(refusal: Refusal) async throws {
        let tenant = try await SignedInTenant(users: 60)
        for recipe in RecipeCase.all {
            _ = try await tenant.takeRequests()
            _ = try await tenant.call("recipe", arguments(recipe))
            let paths = try await tenant.takeRequests()
            #expect(!paths.isEmpty, "\(recipe.name)")
            for (path, skipped) in places(paths) {
                try await tenant.control("POST", "faults", refusal.at(path, after: skipped))
                let told = await tenant.refusal("recipe", arguments(recipe))
                let isHit = try await tenant.takeRequests().count { $0.hasPrefix(path) } > skipped
                #expect(told != nil || !isHit, "\(recipe.name): \(refusal.testDescription) of \(path) (\(skipped))")
                try await tenant.control("DELETE", "faults")
            }
        }
    }

    @Test("a recipe whose service is lost or fails again and again says so", arguments: [Refusal.failing, .torn])
    func slow(refusal: Refusal) async throws {
        let tenant = try await SignedInTenant(users: 60)
        for place in stride(from: 0, to: RecipeCase.all.count, by: 4) {
            let recipe = RecipeCase.all[place]
            _ = try await tenant.takeRequests()
            _ = try await tenant.call("recipe", arguments(recipe))
            let paths = try await tenant.takeRequests()
            let first = try #require(paths.first, "\(recipe.name)")
            try await tenant.control("POST", "faults", refusal.at(first))
            let told = await tenant.refusal("recipe", arguments(recipe))
            #expect(told != nil, "\(recipe.name): \(refusal.testDescription) of \(first)")
            try await tenant.control("DELETE", "faults")
        }
    }

    @Test("a name that nobody has is no empty answer")
    func missing() async throws {
        let tenant = try await SignedInTenant(users: 60)
        let error = await #expect(throws: MMError.self) {
            try await tenant.call(
                "recipe", ["tool": "nested-members", "connection": "Demo", "param": ["group": "No such group"]])
        }
        #expect(error?.code == .notFound && error?.message == "There is no group 'No such group'.")
    }
}
