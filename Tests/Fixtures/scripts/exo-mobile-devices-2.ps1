Set-ExecutionPolicy -ExecutionPolicy RemoteSigned -Scope Process -Force
Import-Module ExchangeOnlineManagement
$adminUpn = "admin@contoso-sandbox.example"
try {
    Connect-ExchangeOnline -UserPrincipalName $adminUpn -ErrorAction Stop
}
catch {
    Write-Host "Could not connect: $($_.Exception.Message)" -ForegroundColor Red
    return
}
$all = Get-MobileDevice -ResultSize Unlimited
Write-Host "Found $($all.Count) devices"
$all | Select-Object FriendlyName, DeviceOS, UserDisplayName, FirstSyncTime | Format-Table -AutoSize
