package cluster

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// Claims returns every PersistentVolumeClaim.
func (s *Snapshot) Claims() []*corev1.PersistentVolumeClaim { return s.claims.items }

// Claim returns the PersistentVolumeClaim of that name, or nil.
func (s *Snapshot) Claim(namespace, name string) *corev1.PersistentVolumeClaim {
	return s.claims.get(namespace, name)
}

// StorageClasses returns every StorageClass.
func (s *Snapshot) StorageClasses() []*storagev1.StorageClass { return s.storageClasses }
