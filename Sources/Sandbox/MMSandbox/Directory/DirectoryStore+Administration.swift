internal import MMCore

/// Collections that administrators look at.
extension DirectoryStore {
    func administrationTable(_ address: TableAddress) -> EntityTable {
        let (administration, users) = (administration, users)
        switch address {
        case .devices:
            return EntityTable(
                .device, count: administration.deviceCount, base: { .object(administration.directoryDevice($0)) },
                index: { administration.directoryDeviceIndex($0) })
        case .deviceConfigurations: return EntityTable(.deviceConfiguration, rows: administration.configurations())
        case .deviceCompliancePolicies:
            return EntityTable(.deviceCompliancePolicy, rows: administration.compliancePolicies())
        case .conditionalAccessPolicies:
            return EntityTable(.conditionalAccessPolicy, rows: administration.conditionalAccess())
        case .riskyUsers: return EntityTable(.riskyUser, rows: administration.riskyUsers())
        case .registrations:
            return EntityTable(
                .userRegistrationDetails, count: users.count, base: { .object(administration.registration($0)) },
                index: { users.index(of: $0) })
        case .authenticationMethods(let owner):
            let user = users.index(of: owner).map { users.row($0) }
            return EntityTable(.authenticationMethod, rows: user.map { administration.methods(of: $0) } ?? [])
        case .serviceIssues: return EntityTable(.serviceIssue, rows: administration.issues())
        case .serviceHealth: return EntityTable(.serviceHealth, rows: administration.health())
        case .permissions(let drive, let item):
            return EntityTable(.permission, rows: files.permissions(on: item, ofDrive: drive))
        default:
            return EntityTable(
                .managedDevice, count: administration.deviceCount, base: { .object(administration.device($0)) },
                index: { administration.deviceIndex($0) })
        }
    }
}
