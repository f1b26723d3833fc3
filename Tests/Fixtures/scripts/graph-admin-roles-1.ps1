if (-not (Get-MgContext)) {
    Connect-MgGraph -TenantId "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" -Scopes "Reports.Read.All"
}
foreach ($role in Get-MgDirectoryRole -All) {
    foreach ($member in Get-MgDirectoryRoleMember -DirectoryRoleId $role.Id) {
        "$($role.DisplayName): $($member.Id)"
    }
}
Disconnect-MgGraph -ErrorAction SilentlyContinue
