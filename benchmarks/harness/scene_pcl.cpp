// What benchmarks/scene.py compares with: voxel grid, largest plane and Euclidean clusters as PCL has them.
//
//     scene_pcl POINTS VOXELS SIZE PLANE ITERATIONS TOLERANCE LEAST
//
// Every line read does it all once, and answers with the milliseconds. POINTS: float32 x y z of all points.
// VOXELS: after the first run the float32 x y z of each voxel's centroid and its cluster, -1 for none.
#include <pcl/filters/extract_indices.h>
#include <pcl/filters/voxel_grid.h>
#include <pcl/point_types.h>
#include <pcl/sample_consensus/method_types.h>
#include <pcl/sample_consensus/model_types.h>
#include <pcl/search/kdtree.h>
#include <pcl/segmentation/extract_clusters.h>
#include <pcl/segmentation/sac_segmentation.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

using Cloud = pcl::PointCloud<pcl::PointXYZ>;

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  const float size = std::atof(argv[3]);
  const double plane_distance = std::atof(argv[4]), tolerance = std::atof(argv[6]);
  const int iterations = std::atoi(argv[5]), least = std::atoi(argv[7]);
  Cloud::Ptr points(new Cloud);
  std::ifstream in(argv[1], std::ios::binary);
  for (float p[3]; in.read(reinterpret_cast<char*>(p), sizeof p);) points->emplace_back(p[0], p[1], p[2]);

  bool written = false;
  for (std::string line; std::getline(std::cin, line);) {
    const auto started = std::chrono::steady_clock::now();
    Cloud::Ptr voxels(new Cloud), left(new Cloud);
    pcl::VoxelGrid<pcl::PointXYZ> grid;
    grid.setInputCloud(points);
    grid.setLeafSize(size, size, size);
    grid.filter(*voxels);

    pcl::SACSegmentation<pcl::PointXYZ> ransac;
    pcl::PointIndices::Ptr plane(new pcl::PointIndices);
    pcl::ModelCoefficients coefficients;
    ransac.setModelType(pcl::SACMODEL_PLANE);
    ransac.setMethodType(pcl::SAC_RANSAC);
    ransac.setMaxIterations(iterations);
    ransac.setDistanceThreshold(plane_distance);
    ransac.setInputCloud(voxels);
    ransac.segment(*plane, coefficients);

    std::vector<int> kept;
    pcl::ExtractIndices<pcl::PointXYZ> extract;
    extract.setInputCloud(voxels);
    extract.setIndices(plane);
    extract.setNegative(true);
    extract.filter(kept);
    for (int k : kept) left->push_back((*voxels)[k]);

    std::vector<pcl::PointIndices> clusters;
    pcl::search::KdTree<pcl::PointXYZ>::Ptr tree(new pcl::search::KdTree<pcl::PointXYZ>);
    tree->setInputCloud(left);
    pcl::EuclideanClusterExtraction<pcl::PointXYZ> cluster;
    cluster.setClusterTolerance(tolerance);
    cluster.setMinClusterSize(least);
    cluster.setSearchMethod(tree);
    cluster.setInputCloud(left);
    cluster.extract(clusters);
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - started;

    if (!written) {
      std::vector<float> label(voxels->size(), -1);
      for (size_t c = 0; c < clusters.size(); ++c)
        for (int k : clusters[c].indices) label[kept[k]] = c;
      std::ofstream out(argv[2], std::ios::binary);
      for (size_t k = 0; k < voxels->size(); ++k) {
        const float row[4] = {(*voxels)[k].x, (*voxels)[k].y, (*voxels)[k].z, label[k]};
        out.write(reinterpret_cast<const char*>(row), sizeof row);
      }
      written = true;
    }
    std::cout << ms.count() << std::endl;
  }
}
