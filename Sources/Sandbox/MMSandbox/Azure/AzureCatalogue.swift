internal import MMCore

/// The parts of a subscription that describe Azure itself: regions, resource providers and sizes.
enum AzureCatalogue {
    private static let root = AzureContent.root

    // MARK: Regions

    private struct Region {
        let name: String
        let title: String
        let geography: String
        let group: String
        let place: String
        let position: (latitude: String, longitude: String)
        let pair: String
    }

    private static let regions = [
        Region(
            name: "westeurope", title: "West Europe", geography: "Europe", group: "Europe", place: "Netherlands",
            position: ("52.3667", "4.9"), pair: "northeurope"),
        Region(
            name: "northeurope", title: "North Europe", geography: "Europe", group: "Europe", place: "Ireland",
            position: ("53.3478", "-6.2597"), pair: "westeurope"),
        Region(
            name: "germanywestcentral", title: "Germany West Central", geography: "Germany", group: "Europe",
            place: "Frankfurt", position: ("50.110924", "8.682127"), pair: "germanynorth"),
        Region(
            name: "eastus", title: "East US", geography: "United States", group: "US", place: "Virginia",
            position: ("37.3719", "-79.8164"), pair: "westus"),
    ]

    static let locations: [JSONValue] = regions.map { region in
        [
            "id": .string("\(root)/locations/\(region.name)"), "name": .string(region.name), "type": "Region",
            "displayName": .string(region.title), "regionalDisplayName": .string("(\(region.group)) \(region.title)"),
            "metadata": [
                "regionType": "Physical", "regionCategory": "Recommended", "geography": .string(region.geography),
                "geographyGroup": .string(region.group), "physicalLocation": .string(region.place),
                "latitude": .string(region.position.latitude), "longitude": .string(region.position.longitude),
                "pairedRegion": [
                    ["name": .string(region.pair), "id": .string("\(root)/locations/\(region.pair)")]
                ],
            ],
        ]
    }

    // MARK: Providers

    /// The resource providers of all known types, each with its types.
    static let providers: [JSONValue] = {
        let split = AzureKind.all.map { $0.type.split(separator: "/").map(String.init) }
        var namespaces: [String] = []
        for words in split where !namespaces.contains(words[0]) { namespaces.append(words[0]) }
        return namespaces.map { namespace in
            let types = split.filter { $0[0] == namespace }.map(\.[1])
            return [
                "id": .string("\(root)/providers/\(namespace)"), "namespace": .string(namespace),
                "registrationPolicy": "RegistrationRequired", "registrationState": "Registered",
                "resourceTypes": .array(
                    types.map { type in
                        [
                            "resourceType": .string(type), "apiVersions": ["2024-03-01", "2021-04-01"],
                            "locations": .array(regions.map { .string($0.title) }),
                        ]
                    }),
            ]
        }
    }()

    static func provider(_ namespace: String) -> JSONValue? {
        providers.first { $0["namespace"]?.string?.lowercased() == namespace.lowercased() }
    }

    /// The sizes of virtual machines.
    static let sizes: [JSONValue] = [Int64](1...3).map { step in
        [
            "name": .string("Standard_D\(step * 2)s_v5"), "numberOfCores": .int(step * 2),
            "memoryInMB": .int(step * 8192), "osDiskSizeInMB": 1_047_552, "resourceDiskSizeInMB": 0,
            "maxDataDiskCount": .int(step * 4),
        ]
    }
}
